package sweep

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/data"
	"vaelab/internal/magic"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/tensor"
	"vaelab/internal/train"
	"vaelab/internal/vae"
	"vaelab/plots"
	"vaelab/variants"
)

// An Experiment is one question with the trials that answer it.
type Experiment struct {
	Name     string
	Question string        // the first paragraph of the file's first comment
	Trials   []train.Trial // settings in the order of the grid, each with all its seeds
	Figures  []string      // that the file names, or usual ones if it has no key figures
	Usual    bool          // Figures are the usual ones
	Claims   []claims.Claim
	Unjudged Faults           // of claims that Options.SoundClaims left out
	Baseline claims.Selection // what tables compare with; nil if the file leaves it to them
	Notes    []string         // what was understood though it was said otherwise, and what Prepare found elsewhere
	Remarks  string           // the file's key notes: free text that changes nothing
	Extends  string           // path of the file that this one extends; "" if it extends none

	Converged converge.Settings // when a trial counts as converged

	file    string            // its path
	origin  string            // that of the file it was frozen from, else its own
	from    source            // what it was read from
	entries []string          // where the entry of each trial stands in the file
	paths   map[string]string // "setting=path" of data -> where the file says it
	data    string            // Options.Data
	set     bool              // a --set lies over the trials and may make some equal
	part    bool              // Keep has left out trials
}

// Title is the name with its question, if there is one.
func (e *Experiment) Title() string {
	if e.Question == "" {
		return e.Name
	}
	return e.Name + ": " + e.Question
}

// Options change what a file says.
type Options struct {
	Sets  []string // key=value, laid over every trial that has the key
	Seeds string   // a count or a list, instead of the file's

	// Data is a folder in which relative paths of data are looked up last, and DataSaid what names it, for notes; "" is none.
	Data, DataSaid string

	// ForClaims adds to the file's seeds those that its claims need to be decided.
	ForClaims bool

	// SoundClaims leaves faulty claims out instead of refusing the file: what has been trained can be
	// judged by the others.
	SoundClaims bool
}

// Faults is every fault of a file, a line each. A file beyond the bounds of plain.go is not
// searched to its end.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// Read reads an experiment file.
func Read(path string, opts Options) (*Experiment, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, opts)
}

// nameRule keeps the name of an experiment, which is a folder's, below the results.
var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Parse reads an experiment from text; path is what faults are reported of. The file has
// to make sense by itself, whatever the options change.
func Parse(path string, text []byte, opts Options) (*Experiment, error) {
	r := newReader(path)
	r.written, r.soundClaims, r.dataFolder, r.dataSaid = true, opts.SoundClaims, opts.Data, opts.DataSaid
	root, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode && root.Kind != yaml.AliasNode {
		return nil, Faults{fmt.Sprintf("%s: not an experiment: must be keys and values such as base and grid (vaelab list experiments shows some), got %s", r.place(root), describe(root))}
	}
	if root = r.plain(root, ""); root == nil {
		return nil, Faults(r.faults)
	}
	if root, err = r.extend(root); err != nil {
		return nil, err
	}
	e := &Experiment{
		Extends: r.extended, data: opts.Data,
		Name:     strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)),
		Question: firstComment(text), Converged: converge.Default, file: path, origin: path,
	}
	named := false
	var said []saying
	var sets []override
	var compared *yaml.Node
	base, grid, seeds := mapping(), []*yaml.Node{{Kind: yaml.MappingNode, Line: root.Line, Column: root.Column}}, []int{1}
	for _, kv := range r.pairs(root, "") {
		switch key, value := kv[0], kv[1]; key.Value {
		case "experiment":
			if value.Kind != yaml.ScalarNode || !nameRule.MatchString(value.Value) {
				r.fault(value, "experiment", "must be a name of letters, digits, '.', - and _ that begins with a letter or digit, got %s", describe(value))
			}
			e.Name, named = value.Value, true
		case "frozen":
			if e.origin = value.Value; value.Kind != yaml.ScalarNode || e.origin == "" {
				r.fault(value, "frozen", "must be the path of the file that this one was made from, got %s", describe(value))
			}
		case "set":
			sets = r.laid(value)
		case "base":
			if r.pairs(value, "base"); value.Kind == yaml.MappingNode {
				base = value
			}
		case "grid":
			if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
				r.fault(value, "grid", "must be a list of entries, each with the settings to vary, got %s", describe(value))
				continue
			}
			grid = value.Content
		case "seeds":
			if opts.Seeds == "" {
				seeds = r.seeds(value)
			}
		case "seed":
			seed := value
			if value.Kind == yaml.ScalarNode { // one seed, and not so many
				seed = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: value.Line, Column: value.Column, Content: []*yaml.Node{value}}
			}
			if get(root, "seeds") != nil {
				r.fault(key, "seeds", "given twice, here as %q", "seed")
			} else if r.note(key, "", "%q is understood as the list seeds: %s", "seed", listed(seed)); opts.Seeds == "" {
				seeds = r.seeds(seed)
			}
		case "figures":
			e.Figures = r.figures(value)
		case "claims":
			said = r.claims(value)
		case "baseline":
			wrong := r.wrong
			if e.Baseline = r.selection(value, "baseline"); r.wrong == wrong {
				compared = value
			}
		case "notes":
			if value.Kind != yaml.ScalarNode || isNull(value) {
				r.fault(value, "notes", "must be text, got %s", describe(value))
			}
			e.Remarks = strings.TrimSpace(value.Value)
		case "converged":
			r.decode(value, reflect.ValueOf(&e.Converged).Elem(), "converged")
		default:
			r.fault(key, "", "%v", r.topLevel(key))
		}
	}
	if !named && (e.Name == "." || !filepath.IsLocal(e.Name)) {
		r.fault(root, "", "the file's name cannot be the name of a results folder; add a line experiment: NAME")
	}
	if opts.Seeds != "" {
		seeds = r.seedsFlag(opts.Seeds)
	} else if opts.ForClaims {
		seeds = enough(seeds, said)
	}
	sets = append(sets, r.overrides(opts.Sets)...)
	wrong := r.wrong
	e.Trials = r.trials(base, grid, nil, seeds)
	if r.wrong == wrong && len(seeds) > 0 { // else the claims' trials may be missing for another fault
		e.Claims = r.judgeable(said, e.Trials, len(seeds))
		r.comparable(e.Baseline, compared, e.Trials, len(seeds))
	}
	if len(sets) > 0 {
		e.Trials = r.trials(base, grid, sets, seeds)
	}
	if get(root, "figures") == nil {
		e.Figures, e.Usual = usualFigures(e.Trials), true
	}
	for i := range e.Trials {
		e.Trials[i].Experiment = e.Name
	}
	for _, said := range [][]string{r.faults, r.notes, r.unjudged} {
		slices.SortStableFunc(said, byPlace(r.file, r.extended))
	}
	e.Notes, e.Unjudged = r.notes, r.unjudged
	e.entries, e.paths, e.set = r.entries, r.paths, len(sets) > 0
	e.from = source{text: text, root: root, sets: sets, located: r.located}
	if opts.Seeds != "" || opts.ForClaims {
		e.from.seeds = seeds
	}
	if len(r.faults) > 0 {
		return nil, Faults(r.faults)
	}
	return e, nil
}

// trials lays each entry over the base and every --set over that, and multiplies out the
// lists. Two trials with the same settings are a fault, but not where only a --set made
// them equal: there the first stands for all.
func (r *reader) trials(base *yaml.Node, grid []*yaml.Node, sets []override, seeds []int) []train.Trial {
	var out []train.Trial
	r.entries = nil
	used := make([]bool, len(sets))
	first := map[identity]*yaml.Node{} // settings of a trial -> the entry that has them
	total := 0
	var shared *yaml.Node // the base, its settings under their own names
	for _, entry := range grid {
		if entry.Kind == yaml.ScalarNode && contains(variants.Methods.Names(), entry.Value) {
			r.fault(entry, "grid", "must be keys and values, got the name of a variant; write variant: %s", entry.Value)
			continue
		}
		if r.pairs(entry, "grid"); entry.Kind != yaml.MappingNode && !isNull(entry) {
			continue
		}
		if shared == nil {
			shared = r.rename(base, "")
		}
		n := r.lay(shared, entry)
		for i, s := range sets {
			var ok bool
			n, ok = set(n, s)
			used[i] = used[i] || ok
		}
		size, place := r.size(n, "").trials, r.place(entry)
		if total += size * max(1, len(seeds)); total > maxTrials {
			r.fault(entry, "grid", "lists and seeds make more than %d trials; leave some out", maxTrials)
			return nil
		}
		out, r.entries = slices.Grow(out, size*len(seeds)), slices.Grow(r.entries, size*len(seeds))
		for i := range size {
			if len(r.faults) >= maxFaults {
				return nil
			}
			wrong := r.wrong
			one := r.pickTrial(n, i)
			t, id := r.trial(one)
			kl, settings := get(one, "kl"), get(one, "train")
			recall(r, of("idle", kl, settings), func() bool {
				r.idle(kl, t.KL)
				r.idleStop(get(settings, "stop"), t.Train.Stop)
				r.checkOptimizer(settings, t.Train)
				return true
			})
			if r.wrong > wrong {
				continue
			}
			if other, ok := first[id]; ok { // with paths, since the data are not loaded
				if len(sets) == 0 {
					r.fault(entry, "grid", "has the same settings as the entry at line %d; each trial must differ in some setting", other.Line%extendedLine)
				}
				continue
			}
			first[id] = entry
			for _, seed := range seeds {
				t.Seed = seed
				out = append(out, t)
				r.entries = append(r.entries, place)
			}
		}
	}
	for i, s := range sets {
		if !used[i] {
			r.fault(s.at, s.path, "no trial of this experiment has such a setting")
		}
	}
	return out
}

// parseYAML returns the document's root, with a syntax error as file:line.
func parseYAML(path string, text []byte) (*yaml.Node, error) {
	if err := magic.Mistaken(text[:min(magic.Head, len(text))]); err != nil {
		return nil, Faults{fmt.Sprintf("%s: %v; an experiment is a YAML file", path, err)}
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		return nil, Faults{path + ": the file is empty; an experiment has at least a grid (vaelab list experiments shows some)"}
	}
	if err != nil {
		fault := syntaxError(path, text, err)
		if inFlow.Match(text) {
			fault[0] += "; a value with ${...} between { } needs quotation marks: \"${DATA}/train.txt\""
		}
		return nil, fault
	}
	var next yaml.Node
	switch err := dec.Decode(&next); {
	case err == nil:
		return nil, Faults{fmt.Sprintf("%s:%d:%d: more than one YAML document; one file is one experiment", path, next.Line, next.Column)}
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(path, text, err)
	}
	return doc.Content[0], nil
}

func syntaxError(path string, text []byte, err error) Faults {
	line := regexp.MustCompile(`^yaml: line (\d+): (.*)`).FindStringSubmatch(err.Error())
	if at, what := culprit(string(text), err.Error()); at != "" {
		return Faults{fmt.Sprintf("%s:%s: not valid YAML: %s", path, at, what)}
	}
	if line != nil {
		return Faults{fmt.Sprintf("%s:%s: not valid YAML: %s", path, line[1], line[2])}
	}
	return Faults{fmt.Sprintf("%s: not valid YAML: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))}
}

// inFlow finds ${ within braces, where YAML takes the brace for its own.
var inFlow = regexp.MustCompile(`\{[^"'\n]*\$\{`)

// firstComment is the first paragraph of the comment that a file begins with. A line that tells editors where the
// schema is does not count.
func firstComment(text []byte) string {
	var lines []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		line = strings.TrimSpace(strings.TrimLeft(line, "#"))
		if strings.HasPrefix(line, "yaml-language-server:") {
			continue
		}
		if line == "" {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}

// seeds reads a count or a list.
func (r *reader) seeds(n *yaml.Node) []int {
	var out []int
	count, err := strconv.Atoi(n.Value)
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
	case n.Kind == yaml.ScalarNode && err == nil && count >= 1 && count <= maxTrials:
		for s := 1; s <= count; s++ {
			out = append(out, s)
		}
		return out
	default:
		r.fault(n, "seeds", "must be a count in [1,%d] or a list of whole numbers, got %s", maxTrials, describe(n))
		return nil
	}
	seen := map[int]bool{}
	for _, c := range n.Content {
		s, err := strconv.Atoi(c.Value)
		switch {
		case c.Kind != yaml.ScalarNode || err != nil || s < 0:
			r.fault(c, "seeds", "must be whole numbers of at least 0, got %s", describe(c))
		case seen[s]:
			r.fault(c, "seeds", "%d is given twice", s)
		default:
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// seedsFlag reads --seeds: 6 or 3,5,8.
func (r *reader) seedsFlag(text string) []int {
	value := text
	if strings.Contains(text, ",") {
		value = "[" + text + "]"
	}
	if n := r.flagValue(value, "seeds", "--seeds "+text); n != nil {
		return r.seeds(n)
	}
	return nil
}

// listed is a list as YAML may write it.
func listed(n *yaml.Node) string {
	var values []string
	for _, c := range n.Content {
		values = append(values, c.Value)
	}
	return "[" + strings.Join(values, ", ") + "]"
}

// usualFigures are those of an experiment whose file names none: the KL, what the decoder makes of z, and theta if a
// variant has it.
func usualFigures(trials []train.Trial) []string {
	usual := []string{"kl-curve", "z-use"}
	for i, t := range trials {
		if i > 0 && t.Variant == trials[i-1].Variant {
			continue
		}
		if _, err := t.Length("train", "theta"); err == nil {
			return append(usual, "theta")
		}
	}
	return usual
}

func (r *reader) figures(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "figures", "must be a list, got %s", describe(n))
		return nil
	}
	var out []string
	for _, c := range n.Content {
		_, err := plots.Figures.Get(c.Value)
		switch {
		case c.Kind != yaml.ScalarNode:
			r.fault(c, "figures", "must be the name of a figure, got %s", describe(c))
		case err != nil:
			r.fault(c, "figures", "%v", err)
		case contains(out, c.Value):
			r.fault(c, "figures", "%s is given twice", c.Value)
		default:
			out = append(out, c.Value)
		}
	}
	return out
}

// overrides parses every --set.
func (r *reader) overrides(sets []string) []override {
	var out []override
	for _, text := range sets {
		path, value, ok := strings.Cut(text, "=")
		at := &yaml.Node{}
		r.from("--set "+text, at)
		if !ok || contains(strings.Split(path, "."), "") {
			r.fault(at, "", "must be key=value, such as train.lr=0.01")
			continue
		}
		if !r.settable(at, path) {
			continue
		}
		path = canonical(path)
		if v := r.flagValue(value, path, "--set "+text); v != nil {
			out = append(out, override{path, at, r.rename(v, path)})
		}
	}
	return out
}

// laid reads the key set: a list of what --set may say, in its order.
func (r *reader) laid(n *yaml.Node) []override {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "set", "must be a list of settings, such as [train.lr: 0.01], got %s", describe(n))
		return nil
	}
	var out []override
	for _, c := range n.Content {
		for _, kv := range r.pairs(c, "set") {
			key, value := kv[0], kv[1]
			if contains(strings.Split(key.Value, "."), "") {
				r.fault(key, "set", "must be the name of a setting, such as train.lr, got %s", describe(key))
			} else if r.settable(key, key.Value) {
				path := canonical(key.Value)
				out = append(out, override{path, key, r.rename(value, path)})
			}
		}
	}
	return out
}

// settable reports a path that leads into no section of a trial.
func (r *reader) settable(at *yaml.Node, path string) bool {
	section, _, _ := strings.Cut(path, ".")
	known := contains(sections, section)
	if !known {
		r.fault(at, "", "%v", r.unknownKey("section", section, sections))
	}
	return known
}

// flagValue parses a value given on the command line. It returns nil, with a fault, if the
// value is beyond the bounds of plain.
func (r *reader) flagValue(text, path, flag string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err == nil && len(doc.Content) == 1 {
		n = doc.Content[0]
	}
	r.from(flag, n)
	return r.plain(n, path)
}

// precision is that of this program's numbers, as trial.json has it.
var precision = fmt.Sprintf("float%d", tensor.Bits)

// trial resolves one trial: no lists are left in n.
func (r *reader) trial(n *yaml.Node) (train.Trial, identity) {
	t := train.Trial{
		Data: data.Synthetic{}, Model: models.LSTM{},
		Trial: record.Trial{Format: record.Format},
	}
	nodes := map[string]*yaml.Node{}
	for _, kv := range r.pairs(n, "") {
		nodes[kv[0].Value] = kv[1]
	}
	wrong := r.wrong
	r.data = nil
	source := recall(r, of("data", nodes["data"]), func() part[data.Source] {
		return oneKind(r, nodes["data"], "data", data.Sources)
	})
	if source.ok {
		t.Data, r.data = source.is, source.is
	}
	for _, kv := range r.pairs(n, "") {
		if !contains(sections, kv[0].Value) {
			r.fault(kv[0], "", "%v", r.unknownKey("section", kv[0].Value, sections))
		}
	}
	model := recall(r, of("model", nodes["model"], nodes["data"]), func() part[models.Model] {
		return oneKind(r, nodes["model"], "model", models.Models)
	})
	if model.ok {
		t.Model = model.is
	}
	known := r.wrong == wrong // both of them
	if known {
		if err := t.Model.Fits(vae.Space{Kind: t.Data.Kind()}); err != nil {
			r.fault(cmp.Or(nodes["model"], nodes["data"]), "model", "%v", err)
		}
	}
	modelName := model.config["model"]
	variant := recall(r, of("variant", nodes["variant"], nodes["data"]), func() part[[]vae.Method] { return r.methods(nodes["variant"]) })
	t.Methods, t.Variant = variant.is, variant.config["variant"]
	steady, codes := false, false // the KL is constant; z is one of finitely many codes
	if variant.ok {
		check := recall(r, of("check", nodes["variant"]), func() checked { return checkedOf(variants.Check(t.Methods...)) })
		if check.err == nil && r.wrong == wrong { // model and data fit
			check = recall(r, of("fit", nodes["variant"], nodes["data"], nodes["model"]), func() checked {
				return checkedOf(train.Check(t.Model, vae.Space{Kind: t.Data.Kind(), Given: data.Gives(t.Data)}, t.Methods))
			})
		}
		if check.err != nil {
			r.fault(cmp.Or(nodes["variant"], nodes["model"]), "variant", "%s: %v", t.Variant, check.err)
		}
		if kl := r.pairs(nodes["kl"], "kl"); check.weighs && r.written && len(kl) > 0 {
			weigher := methodOf(t.Methods, func(v vae.Variant) bool { return v.Weigher != nil })
			r.fault(kl[0][0], "kl", "has no effect with %s, which sets the KL weight itself; leave out kl or %s, or move kl to the entries of the grid without it", weigher, weigher)
		}
		if known && check.family == vae.SphereFamily && t.Model.Latent() < 2 {
			r.fault(nodes["variant"], "variant", "%s needs two latent dimensions or more, because a sphere of one dimension is two points; set latent_dim of %s to 2 or more", t.Variant, modelName)
		}
		steady, codes = check.steady, check.family == vae.CodeFamily
	}
	kl := recall(r, of("kl", nodes["kl"], nodes["data"]), func() part[optim.KLSchedule] { return decoded(r, nodes["kl"], "kl", optim.DefaultKL) })
	t.KL = kl.is
	if steady {
		r.idleWeight(nodes["kl"], t)
	}
	settings := recall(r, of("train", nodes["train"], nodes["data"]), func() part[train.Settings] { return decoded(r, nodes["train"], "train", train.Defaults) })
	t.Train = settings.is
	if err := t.Train.CheckPrecision(); err != nil {
		r.fault(get(nodes["train"], "precision"), "train.precision", "%v", err)
	}
	if t.Train.LagEvery > 0 && known && t.Model.Latent() != 1 {
		r.fault(get(nodes["train"], "lag_every"), "train.lag_every", "needs a model with one latent dimension, and %s has %d; set its latent_dim to 1 or leave lag_every out", modelName, t.Model.Latent())
	}
	if t.Train.LagEvery > 0 && codes {
		r.fault(get(nodes["train"], "lag_every"), "train.lag_every", "needs a z that moves continuously, and that of %s is one of finitely many codes; leave lag_every out, or choose another variant", t.Variant)
	}
	configs := [...]map[string]string{{"precision": precision}, source.config, model.config, variant.config, kl.config, settings.config}
	all := 0
	for _, config := range configs {
		all += len(config)
	}
	t.Config = make(map[string]string, all) // of its size from the start: this is most of the time of a large experiment
	for _, config := range configs {
		maps.Copy(t.Config, config)
	}
	return t, identity{source.number, model.number, variant.number, kl.number, settings.number}
}

// methodOf is the name of the method whose variant is such, as that which sets the KL weight.
func methodOf(methods []vae.Method, such func(v vae.Variant) bool) (name string) {
	for _, m := range methods {
		if v, err := variants.Check(m); err == nil && such(v) {
			name = variants.Methods.NameOf(m)
		}
	}
	return name
}

// idleWeight reports a KL weight that is not always 1, where the KL is constant.
func (r *reader) idleWeight(n *yaml.Node, t train.Trial) {
	steady := methodOf(t.Methods, func(v vae.Variant) bool { return v.ConstantRate })
	for _, kv := range r.pairs(n, "kl") {
		for _, s := range settings(reflect.ValueOf(&t.KL).Elem()) {
			if s.named(kv[0].Value) && (s.key == "schedule" && t.KL.Schedule != optim.DefaultKL.Schedule || s.key == "beta" && t.KL.Beta != optim.DefaultKL.Beta) {
				r.fault(kv[0], "kl."+s.key, "has no effect with %s, because no training changes the KL of its posteriors; leave kl out, or move it to the entries of the grid without %s", steady, steady)
			}
		}
	}
}

// idle reports keys of the KL schedule that the chosen schedule does not read, and settings that do not go together.
func (r *reader) idle(n *yaml.Node, k optim.KLSchedule) {
	schedule, err := optim.Schedules.Get(k.Schedule)
	if err != nil { // a fault already
		return
	}
	if err := schedule.Check(k); err != nil {
		r.fault(n, "kl", "%v", err)
	}
	if s := get(n, "schedule"); s != nil && s.Value != k.Schedule { // not a schedule at all
		return
	}
	for _, kv := range r.pairs(n, "kl") {
		for _, s := range settings(reflect.ValueOf(&k).Elem()) {
			if s.named(kv[0].Value) && s.key != "schedule" && s.key != "beta" && !contains(schedule.Reads(), s.key) {
				r.fault(kv[0], "kl."+s.key, "has no effect on a %s schedule; choose another kl.schedule or leave it out", k.Schedule)
			}
		}
	}
}

// idleStop reports settings of train.stop where nothing stops.
func (r *reader) idleStop(n *yaml.Node, s optim.Stop) {
	for _, kv := range r.pairs(n, "train.stop") {
		if key := kv[0].Value; s.Patience == 0 && contains([]string{"metric", "min_delta", "min_updates"}, key) {
			r.fault(kv[0], join("train.stop", key), "has no effect while train.stop.patience is 0; set patience, in evaluations, or leave it out")
		}
	}
}

// checkOptimizer reports momentum that the optimiser does not read, and decay that turns weights round.
func (r *reader) checkOptimizer(n *yaml.Node, s train.Settings) {
	if o, err := optim.Optimizers.Get(s.Optimizer); err == nil && s.Momentum > 0 && !contains(o.Reads(), "momentum") {
		r.fault(cmp.Or(get(n, "momentum"), n), "train.momentum", "has no effect with optimizer %s, which has a running mean of its own (0.9); set train.optimizer: sgd or leave it out", s.Optimizer)
	}
	if each := s.LR * s.WeightDecay; each >= 1 {
		r.fault(cmp.Or(get(n, "weight_decay"), n), "train.weight_decay", "must be below 1/train.lr, here %v: each step multiplies the weights by 1 - lr x weight_decay", 1/s.LR)
	}
}

// A kind is a name with the settings below it.
type kind struct{ name, settings *yaml.Node }

// kinds reads `bn`, `{bn: {gamma: 0.5}}` or `{bn: {...}, free-bits: {...}}`, in
// alphabetical order: the order in a file changes nothing.
func kinds(r *reader, n *yaml.Node, section string) []kind {
	var out []kind
	for _, kv := range r.pairs(spelt(n, section), section) {
		out = append(out, kind{kv[0], kv[1]})
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].name.Value < out[j].name.Value })
	return out
}

// build decodes a kind's settings over its registered defaults.
func build[T any](r *reader, k kind, section string, reg *registry.Registry[T], config map[string]string, use func(T)) {
	defaults, err := reg.Get(k.name.Value)
	if err != nil {
		r.fault(k.name, section, "%v", unknownChoice(reg.What(), k.name.Value, err))
		return
	}
	v := reflect.New(reflect.TypeOf(defaults)).Elem()
	v.Set(reflect.ValueOf(defaults))
	path := section + "." + k.name.Value
	r.decode(k.settings, v, path)
	flatten(v, path, config)
	use(v.Interface().(T))
}

// oneKind reads a section that takes exactly one kind.
func oneKind[T any](r *reader, n *yaml.Node, section string, reg *registry.Registry[T]) (p part[T]) {
	p.config = map[string]string{}
	found := kinds(r, n, section)
	if len(found) != 1 {
		r.fault(n, section, "must be one kind with its settings, such as {%s: {}}, got %d; known: %s", kinded[section], len(found), strings.Join(reg.Names(), ", "))
		return p
	}
	p.config[section] = found[0].name.Value
	build(r, found[0], section, reg, p.config, func(is T) { p.is, p.ok = is, true })
	p.number = r.numbered(p.config)
	return p
}

// methods reads the section of the variant, which takes one kind or more.
func (r *reader) methods(n *yaml.Node) (p part[[]vae.Method]) {
	p.config = map[string]string{}
	var names []string
	for _, k := range kinds(r, n, "variant") {
		names = append(names, k.name.Value)
		build(r, k, "variant", variants.Methods, p.config, func(m vae.Method) { p.is = append(p.is, m) })
	}
	if len(names) == 0 {
		r.fault(n, "variant", "must be at least one kind with its settings, such as {vanilla: {}}; known: %s", strings.Join(variants.Methods.Names(), ", "))
	}
	p.config["variant"], p.ok = strings.Join(names, "+"), len(names) > 0 && len(p.is) == len(names)
	p.number = r.numbered(p.config)
	return p
}

// decoded reads a section that has settings and no kind.
func decoded[T any](r *reader, n *yaml.Node, section string, defaults T) part[T] {
	p := part[T]{is: defaults, config: map[string]string{}, ok: true}
	v := reflect.ValueOf(&p.is).Elem()
	r.decode(n, v, section)
	flatten(v, section, p.config)
	p.number = r.numbered(p.config)
	return p
}

// FromConfig rebuilds a trial from its trial.json. A setting that it lacks has its neutral value; one without a neutral
// value must be there.
func FromConfig(rec record.Trial) (train.Trial, error) {
	rec.Config = complete(rec.Config)
	r := newReader(record.TrialFile)
	root := mapping()
	scalar := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }
	for _, section := range []string{"data", "model", "variant"} {
		below := mapping()
		for _, name := range strings.Split(rec.Config[section], "+") {
			below.Content = append(below.Content, scalar(name), mapping())
		}
		root.Content = append(root.Content, scalar(section), below)
	}
	for _, key := range sortedKeys(rec.Config) {
		if strings.Contains(key, ".") {
			var ok bool
			v := scalar(rec.Config[key])
			v.Tag = "!!str"
			if root, ok = set(root, override{key, scalar(key), v}); !ok {
				r.fault(v, key, "is a setting of a kind that the trial does not use")
			}
		}
	}
	t, _ := r.trial(root)
	if r.wrong == 0 {
		for _, key := range sortedKeys(t.Config) {
			if _, ok := rec.Config[key]; !ok {
				r.fault(root, key, "is missing")
			}
		}
	}
	if len(r.faults) > 0 {
		return t, fmt.Errorf("the settings were written by another version: %w", Faults(r.faults))
	}
	t.Trial = rec
	return t, nil
}
