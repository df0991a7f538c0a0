package sweep

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/data"
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
	Question string        // the first comment of the file
	Trials   []train.Trial // settings in the order of the grid, each with all its seeds
	Figures  []string
	Notes    []string // what was understood though it was said otherwise
}

// Options change what a file says.
type Options struct {
	Sets  []string // key=value, laid over every trial that has the key
	Seeds string   // a count or a list, instead of the file's
}

// An override is one --set.
type override struct {
	path, text string
	value      *yaml.Node
}

func (s override) origin() string { return "--set " + s.text }

// Faults is every fault of a file, a line each.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// Read reads an experiment file.
func Read(path string, opts Options) (*Experiment, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, opts)
}

// Parse reads an experiment from text; path is what faults are reported of.
func Parse(path string, text []byte, opts Options) (*Experiment, error) {
	r := &reader{file: path, origin: map[*yaml.Node]string{}, seen: map[string]bool{}}
	root, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	e := &Experiment{
		Name:     strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)),
		Question: firstComment(text),
	}
	base, grid, seeds := mapping(), []*yaml.Node{mapping()}, []int{1}
	for _, kv := range r.pairs(root, "") {
		switch key, value := kv[0], kv[1]; key.Value {
		case "experiment":
			if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(value.Value) {
				r.fault(value, "experiment", "wants a name of letters, digits, - and _, got %s", describe(value))
			}
			e.Name = value.Value
		case "base":
			r.pairs(value, "base")
			base = value
		case "grid":
			if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
				r.fault(value, "grid", "wants a list of entries, each with the settings to vary; got %s", describe(value))
				continue
			}
			grid = value.Content
		case "seeds":
			if opts.Seeds == "" {
				seeds = r.seeds(value)
			}
		case "figures":
			e.Figures = r.figures(value)
		default:
			r.fault(key, "", "%v", registry.Unknown("key", key.Value, []string{"experiment", "base", "grid", "seeds", "figures"}))
		}
	}
	if opts.Seeds != "" {
		seeds = r.seedsFlag(opts.Seeds)
	}
	sets := r.overrides(opts.Sets)
	used := make([]bool, len(sets))
	first := map[string]*yaml.Node{} // settings of a trial -> the entry that has them
	for _, entry := range grid {
		r.pairs(entry, "grid")
		merged := merge(base, entry, false)
		for i, s := range sets {
			var ok bool
			merged, ok = r.set(merged, s)
			used[i] = used[i] || ok
		}
		for _, n := range expand(merged) {
			t := r.trial(n)
			t.Experiment = e.Name
			if other, ok := first[fingerprint(t.Config)]; ok {
				r.fault(entry, "grid", "has the same settings as the entry at line %d; each trial must differ in some setting", other.Line)
				continue
			}
			first[fingerprint(t.Config)] = entry
			for _, seed := range seeds {
				t.Seed = seed
				e.Trials = append(e.Trials, t)
			}
		}
	}
	for i, s := range sets {
		if !used[i] {
			r.fault(s.value, s.path, "no trial of this experiment has such a setting")
		}
	}
	e.Notes = r.notes
	if len(r.faults) > 0 {
		return nil, Faults(r.faults)
	}
	return e, nil
}

// parseYAML returns the document's root, with a syntax error as file:line.
func parseYAML(path string, text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty; an experiment has at least a grid (vaelab list experiments shows some)", path)
	}
	if err != nil {
		line := regexp.MustCompile(`^yaml: line (\d+): (.*)`).FindStringSubmatch(err.Error())
		if line != nil {
			return nil, fmt.Errorf("%s:%s: not valid YAML: %s", path, line[1], line[2])
		}
		return nil, fmt.Errorf("%s: not valid YAML: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document; one file is one experiment", path)
	}
	return doc.Content[0], nil
}

func firstComment(text []byte) string {
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		lines = append(lines, strings.TrimSpace(strings.TrimLeft(line, "#")))
	}
	return strings.Join(lines, " ")
}

// seeds reads a count or a list.
func (r *reader) seeds(n *yaml.Node) []int {
	list := n.Content
	if n.Kind == yaml.ScalarNode {
		count, err := strconv.Atoi(n.Value)
		if err != nil || count < 1 || count > 10_000 {
			r.fault(n, "seeds", "wants a count of at least 1 or a list of whole numbers, got %s", describe(n))
			return nil
		}
		var out []int
		for s := 1; s <= count; s++ {
			out = append(out, s)
		}
		return out
	}
	var out []int
	seen := map[int]bool{}
	for _, c := range list {
		s, err := strconv.Atoi(c.Value)
		if c.Kind != yaml.ScalarNode || err != nil || s < 0 {
			r.fault(c, "seeds", "wants whole numbers of at least 0, got %s", describe(c))
			continue
		}
		if seen[s] {
			r.fault(c, "seeds", "%d is given twice", s)
		}
		seen[s] = true
		out = append(out, s)
	}
	if len(out) == 0 {
		r.fault(n, "seeds", "wants a count of at least 1 or a list of whole numbers, got %s", describe(n))
	}
	return out
}

// seedsFlag reads --seeds: 6 or 3,5,8.
func (r *reader) seedsFlag(text string) []int {
	n := r.flagValue(text, "--seeds "+text)
	if strings.Contains(text, ",") {
		n = r.flagValue("["+text+"]", "--seeds "+text)
	}
	return r.seeds(n)
}

func (r *reader) figures(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "figures", "wants a list, got %s", describe(n))
		return nil
	}
	var out []string
	for _, c := range n.Content {
		if _, err := plots.Figures.Get(c.Value); err != nil {
			r.fault(c, "figures", "%v", err)
			continue
		}
		out = append(out, c.Value)
	}
	return out
}

// overrides parses every --set.
func (r *reader) overrides(sets []string) []override {
	var out []override
	for _, text := range sets {
		path, value, ok := strings.Cut(text, "=")
		s := override{path: path, text: text, value: r.flagValue(value, "--set "+text)}
		top, _, _ := strings.Cut(path, ".")
		switch {
		case !ok || path == "":
			r.fault(s.value, "", "wants key=value, such as train.lr=0.01")
			continue
		case !contains(sections, top):
			r.fault(s.value, "", "%v", registry.Unknown("section", top, sections))
			continue
		}
		out = append(out, s)
	}
	return out
}

// flagValue parses a value given on the command line; all its nodes know their origin.
func (r *reader) flagValue(text, origin string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err == nil && len(doc.Content) == 1 {
		n = doc.Content[0]
	}
	var mark func(*yaml.Node)
	mark = func(n *yaml.Node) {
		r.origin[n] = origin
		for _, c := range n.Content {
			mark(c)
		}
	}
	mark(n)
	return n
}

// trial resolves one trial: no lists are left in n.
func (r *reader) trial(n *yaml.Node) train.Trial {
	t := train.Trial{
		Data: data.Synthetic{}, Model: models.LSTM{}, KL: optim.DefaultKL, Train: train.Defaults,
		Trial: record.Trial{Format: record.Format, Config: map[string]string{"precision": fmt.Sprintf("float%d", tensor.Bits)}},
	}
	n = r.relocate(n)
	nodes := map[string]*yaml.Node{}
	for _, kv := range r.pairs(n, "") {
		nodes[kv[0].Value] = kv[1]
		if !contains(sections, kv[0].Value) {
			r.fault(kv[0], "", "%v", registry.Unknown("section", kv[0].Value, sections))
		}
	}
	oneKind(r, nodes["data"], "data", "synthetic", data.Sources, t.Config, func(s data.Source) { t.Data = s })
	oneKind(r, nodes["model"], "model", "lstm", models.Models, t.Config, func(m models.Model) { t.Model = m })
	var names []string
	for _, k := range kinds(r, nodes["variant"], "variant", "vanilla") {
		names = append(names, k.name.Value)
		build(r, k, "variant", variants.Methods, t.Config, func(m vae.Method) { t.Methods = append(t.Methods, m) })
	}
	t.Variant = strings.Join(names, "+")
	t.Config["variant"] = t.Variant
	if len(t.Methods) == len(names) {
		if _, err := variants.Check(t.Methods...); err != nil {
			at := nodes["variant"]
			r.fault(at, "variant", "%s: %v", t.Variant, err)
		}
	}
	r.decode(nodes["kl"], reflect.ValueOf(&t.KL).Elem(), "kl")
	r.idle(nodes["kl"], t.KL)
	flatten(reflect.ValueOf(t.KL), "kl", t.Config)
	r.decode(nodes["train"], reflect.ValueOf(&t.Train).Elem(), "train")
	flatten(reflect.ValueOf(t.Train), "train", t.Config)
	return t
}

// idle reports keys of the KL schedule that the chosen schedule does not read.
func (r *reader) idle(n *yaml.Node, k optim.KLSchedule) {
	reads := map[string][]string{
		"constant": {}, "linear": {"start", "warm_up", "unit"}, "sigmoid": {"warm_up", "unit"},
		"cyclical": {"warm_up", "unit", "cycles", "ratio"}, "cyclical-zero": {"warm_up", "unit", "cycles", "ratio", "zero"},
	}[k.Schedule]
	for _, kv := range r.pairs(n, "kl") {
		for _, s := range settings(reflect.ValueOf(&k).Elem()) {
			if s.named(kv[0].Value) && s.key != "schedule" && s.key != "beta" && !contains(reads, s.key) {
				r.fault(kv[0], "kl."+s.key, "has no effect on a %s schedule; choose another kl.schedule or leave it out", k.Schedule)
			}
		}
	}
}

// A kind is a name with the settings below it.
type kind struct{ name, settings *yaml.Node }

// kinds reads `bn`, `{bn: {gamma: 0.5}}` or `{bn: {...}, free-bits: {...}}`.
func kinds(r *reader, n *yaml.Node, section, fallback string) []kind {
	switch {
	case n == nil || n.Tag == "!!null":
		return []kind{{name: &yaml.Node{Kind: yaml.ScalarNode, Value: fallback}}}
	case n.Kind == yaml.AliasNode:
		return kinds(r, n.Alias, section, fallback)
	case n.Kind == yaml.ScalarNode:
		return []kind{{name: n}}
	}
	var out []kind
	for _, kv := range r.pairs(n, section) {
		out = append(out, kind{kv[0], kv[1]})
	}
	return out
}

// build decodes a kind's settings over its registered defaults.
func build[T any](r *reader, k kind, section string, reg *registry.Registry[T], config map[string]string, use func(T)) {
	defaults, err := reg.Get(k.name.Value)
	if err != nil {
		r.fault(k.name, section, "%v", err)
		return
	}
	v := reflect.New(reflect.TypeOf(defaults)).Elem()
	v.Set(reflect.ValueOf(defaults))
	path := section + "." + k.name.Value
	if k.settings != nil {
		r.decode(k.settings, v, path)
	}
	flatten(v, path, config)
	use(v.Interface().(T))
}

// oneKind is build for a section that takes exactly one kind.
func oneKind[T any](r *reader, n *yaml.Node, section, fallback string, reg *registry.Registry[T], config map[string]string, use func(T)) {
	list := kinds(r, n, section, fallback)
	if len(list) != 1 {
		if n.Kind == yaml.MappingNode {
			r.fault(n, section, "wants one kind with its settings, such as {%s: {}}, got %d; known: %s", fallback, len(list), strings.Join(reg.Names(), ", "))
		}
		return
	}
	config[section] = list[0].name.Value
	build(r, list[0], section, reg, config, use)
}

// fingerprint is the settings as one text, sorted.
func fingerprint(config map[string]string) string {
	keys := make([]string, 0, len(config))
	for k := range config {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s=%s\n", k, config[k])
	}
	return b.String()
}

// Identify gives a trial its ID, once the digest of its data is known.
func Identify(t *train.Trial, digest string) {
	t.Trial.Data = digest
	sum := sha256.Sum256([]byte(fingerprint(t.Config) + "data_digest=" + digest))
	t.ID = fmt.Sprintf("%s-%x/seed-%d", t.Variant, sum[:4], t.Seed)
}

// FromConfig rebuilds a trial from its trial.json.
func FromConfig(rec record.Trial) (train.Trial, error) {
	r := &reader{file: record.TrialFile, origin: map[*yaml.Node]string{}, seen: map[string]bool{}}
	root := mapping()
	scalar := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }
	for _, section := range []string{"data", "model", "variant"} {
		below := mapping()
		for _, name := range strings.Split(rec.Config[section], "+") {
			below.Content = append(below.Content, scalar(name), mapping())
		}
		root.Content = append(root.Content, scalar(section), below)
	}
	for key, value := range rec.Config {
		if strings.Contains(key, ".") {
			v := scalar(value)
			v.Tag = "!!str"
			root, _ = r.set(root, override{path: key, text: key + "=" + value, value: v})
		}
	}
	t := r.trial(root)
	if len(r.faults) > 0 {
		return t, fmt.Errorf("the settings were written by another version: %w", Faults(r.faults))
	}
	t.Trial = rec
	return t, nil
}
