package sweep

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"vaelab/internal/claims"
	"vaelab/internal/data"
	"vaelab/internal/optim"
	"vaelab/internal/registry"
)

// A reader collects everything that is wrong with, or was tacitly understood of, a file.
type reader struct {
	file     string
	extended string   // path of the file that it extends, or ""
	written  bool     // the file is the user's, whose paths are as people write them; see locate
	flags    []string // flags that nodes come from, see from
	faults   []string
	wrong    int // faults met, those counted that a file has once and many trials share
	notes    []string
	seen     map[string]bool

	paths   map[string]string // "setting=path" -> where the file says it
	located map[spot]string   // paths of data, as they are opened

	dataFolder, dataSaid string // see Options.Data

	data data.Source // of the trial that is read; nil before it is known

	known  map[piece]recalled    // see recall
	texts  map[string]int        // settings of a section -> their number, see numbered
	sizes  map[*yaml.Node]size   // see size
	picked map[choice]*yaml.Node // see pickTrial

	entries []string // where the entry of each trial stands, see Experiment

	soundClaims bool     // a faulty claim is left out
	unjudged    []string // the faults of those
}

func newReader(file string) *reader {
	return &reader{file: file, seen: map[string]bool{}, paths: map[string]string{}, located: map[spot]string{},
		known: map[piece]recalled{}, texts: map[string]int{}, sizes: map[*yaml.Node]size{}, picked: map[choice]*yaml.Node{}}
}

// from marks a node and all below it as given on the command line by a flag: its line is
// the flag's number, below zero, and stays with the node when it is copied. The columns tell the flag's nodes apart.
func (r *reader) from(flag string, n *yaml.Node) {
	r.flags = append(r.flags, flag)
	column := 0
	var mark func(n *yaml.Node)
	mark = func(n *yaml.Node) {
		column++
		n.Line, n.Column = -len(r.flags), column
		for _, c := range n.Content {
			mark(c)
		}
	}
	mark(n)
}

func (r *reader) place(n *yaml.Node) string {
	switch {
	case n.Line < 0:
		return r.flags[-n.Line-1]
	case n.Line == 0: // not from a text
		return r.file
	}
	return fmt.Sprintf("%s:%d:%d", r.fileOf(n), n.Line%extendedLine, n.Column)
}

// fileOf is the file that a node stands in.
func (r *reader) fileOf(n *yaml.Node) string {
	if n.Line >= extendedLine {
		return r.extended
	}
	return r.file
}

// fault records that something at n is wrong; path is the key as a user would --set it.
func (r *reader) fault(n *yaml.Node, path, format string, args ...any) {
	r.wrong++
	r.once(&r.faults, n, path, fmt.Sprintf(format, args...))
}

// note records something understood that the file says in other words.
func (r *reader) note(n *yaml.Node, path, format string, args ...any) {
	r.once(&r.notes, n, path, fmt.Sprintf(format, args...))
}

func (r *reader) once(list *[]string, n *yaml.Node, path, text string) {
	s := r.place(n) + ": "
	if path != "" {
		s += path + ": "
	}
	s += text
	if !r.seen[s] { // the base is read once for every trial
		r.seen[s] = true
		*list = append(*list, s)
	}
}

// byPlace orders faults by line and column; those of flags and of the whole file come first, those of an extended file last.
func byPlace(file, extended string) func(a, b string) int {
	at := func(fault string) (line, column int) {
		if rest, ok := strings.CutPrefix(fault, extended+":"); ok && extended != "" {
			_, _ = fmt.Sscanf(rest, "%d:%d:", &line, &column)
			return line + extendedLine, column
		}
		_, _ = fmt.Sscanf(strings.TrimPrefix(fault, file), ":%d:%d:", &line, &column) // 0 if it has no place
		return line, column
	}
	return func(a, b string) int {
		lineA, columnA := at(a)
		lineB, columnB := at(b)
		return cmp.Or(cmp.Compare(lineA, lineB), cmp.Compare(columnA, columnB))
	}
}

// pairs are the keys and values of a mapping; anything else is a fault. A null is empty.
func (r *reader) pairs(n *yaml.Node, path string) [][2]*yaml.Node {
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n, path, "must be keys and values, got %s", describe(n))
		return nil
	}
	var out [][2]*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, [2]*yaml.Node{n.Content[i], n.Content[i+1]})
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Value == "" {
		return "nothing"
	}
	const most = 60 // bytes
	if len(n.Value) > most {
		return fmt.Sprintf("text of %d bytes, %q ...", len(n.Value), strings.ToValidUTF8(n.Value[:most], ""))
	}
	return strconv.Quote(n.Value)
}

// A setting is one field of a settings struct.
type setting struct {
	key           string
	aliases       []string
	choices       []string
	low, high     float64
	lowIn, highIn bool
	bounds        string
	value         reflect.Value
	owner         string // name of the type that has the field

	path    bool    // where data lie, which is no part of what a trial is
	knob    string  // "rises" or "falls": what the rate does where the setting rises; empty for a setting that is not its knob
	neutral *string // as trial.json has it: the value that trials have that lack the setting
}

// settings lists the fields of a struct value that have a yaml key. Those of an embedded
// struct, which has the tag `yaml:",inline"`, stand in its place, as if they were the outer
// one's own; as in Go, a field of the outer struct hides an inner one of the same name.
func settings(v reflect.Value) []setting {
	fields := fieldsOf(v.Type())
	out := make([]setting, len(fields))
	for i, f := range fields {
		out[i] = f.setting
		out[i].value = v.FieldByIndex(f.index)
	}
	return out
}

// A field is a setting of a type, without a value.
type field struct {
	setting
	index []int
}

// fieldsByType keeps what fieldsOf returns: tags are read once for each type, not once for each trial.
var fieldsByType sync.Map // reflect.Type -> []field

// fieldsOf lists the settings of a struct type.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldsByType.Load(t); ok {
		return known.([]field)
	}
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag
		key := tag.Get("yaml")
		if f.Anonymous != (key == ",inline") {
			panic("sweep: field " + f.Name + ": an embedded struct, and no other field, has the tag yaml:\",inline\"")
		}
		if key == "" || f.Anonymous {
			continue
		}
		owner := t
		if outer := f.Index[:len(f.Index)-1]; len(outer) > 0 {
			owner = owner.FieldByIndex(outer).Type
		}
		s := setting{key: key, owner: owner.Name(), bounds: tag.Get("range"), low: math.Inf(-1), high: math.Inf(1)}
		s.path = tag.Get("kind") == "path"
		s.knob = tag.Get("knob")
		if value, ok := tag.Lookup("neutral"); ok {
			s.neutral = &value
		}
		if a := tag.Get("alias"); a != "" {
			s.aliases = strings.Split(a, "|")
		}
		if c := tag.Get("choice"); c != "" {
			s.choices = strings.Split(c, "|")
		}
		if seam := tag.Get("registry"); seam != "" {
			s.choices = registered[seam]()
		}
		if b := s.bounds; b != "" {
			low, high, ok := strings.Cut(b[1:len(b)-1], ",")
			s.low, s.lowIn = bound(low), b[0] == '['
			s.high, s.highIn = bound(high), b[len(b)-1] == ']'
			if !ok {
				panic("sweep: range tag " + b + " of " + key)
			}
		}
		out = append(out, field{s, f.Index})
	}
	fieldsByType.Store(t, out)
	return out
}

// registered are the names of the kinds at a seam that a setting chooses among, by the setting's tag registry.
var registered = map[string]func() []string{"schedule": optim.Schedules.Names, "optimizer": optim.Optimizers.Names}

func bound(s string) float64 {
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		panic("sweep: range tag bound " + s)
	}
	return x
}

func (s setting) named(name string) bool {
	if s.key == name {
		return true
	}
	for _, a := range s.aliases {
		if a == name {
			return true
		}
	}
	return false
}

// decode fills a struct from a mapping, strictly.
func (r *reader) decode(n *yaml.Node, v reflect.Value, path string) {
	fields := settings(v)
	given := map[string]*yaml.Node{}
	for _, kv := range r.pairs(n, path) {
		name := kv[0].Value
		found := false
		for _, s := range fields {
			if !s.named(name) {
				continue
			}
			found = true
			if name != s.key {
				r.note(kv[0], path, "%q is understood as %q", name, s.key)
			}
			if earlier, ok := given[s.key]; ok {
				r.fault(kv[0], join(path, s.key), "given twice, here as %q and at %s as %q", name, r.place(earlier), earlier.Value)
			}
			given[s.key] = kv[0]
			r.scalar(kv[1], s, join(path, s.key))
		}
		if !found {
			keys := make([]string, len(fields))
			for i, s := range fields {
				keys[i] = s.key
			}
			if len(keys) == 0 {
				r.fault(kv[0], path, "has no settings, but %q is given", name)
				continue
			}
			r.fault(kv[0], path, "%v", r.unknownKey("key", name, keys))
		}
	}
}

// scalar reads one value into one field.
func (r *reader) scalar(n *yaml.Node, s setting, path string) {
	if s.value.Kind() == reflect.Struct {
		r.decode(n, s.value, path)
		return
	}
	if selected, ok := s.value.Addr().Interface().(*claims.Selection); ok {
		*selected = r.selection(n, path)
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fault(n, path, "must be %s, got %s", s.form(), describe(n))
		return
	}
	var x float64
	var err error
	switch s.value.Kind() {
	case reflect.Int:
		var i int64
		i, err = strconv.ParseInt(n.Value, 10, 0)
		x = float64(i)
		if err == nil && s.within(x) {
			s.value.SetInt(i)
		}
	case reflect.Uint64:
		var u uint64
		u, err = strconv.ParseUint(n.Value, 10, 64)
		x = float64(u)
		if err == nil && s.within(x) {
			s.value.SetUint(u)
		}
	case reflect.Float64:
		x, err = strconv.ParseFloat(n.Value, 64)
		if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
			err = strconv.ErrRange
		}
		if err == nil && s.within(x) {
			s.value.SetFloat(x)
		}
	case reflect.Bool:
		var b bool
		switch n.Value {
		case "true":
			b = true
		case "false":
		default:
			err = strconv.ErrSyntax
		}
		s.value.SetBool(b)
	case reflect.String:
		if len(s.choices) > 0 && !contains(s.choices, n.Value) {
			r.fault(n, path, "%v", unknownChoice(path, n.Value, registry.Unknown("choice", n.Value, s.choices)))
			return
		}
		text := n.Value
		if s.path && text != "" {
			text = r.locate(n, path, text)
		}
		s.value.SetString(text)
		return
	default:
		panic("sweep: field of kind " + s.value.Kind().String())
	}
	switch {
	case err != nil:
		r.fault(n, path, "must be %s, got %s", s.form(), describe(n))
	case !s.within(x):
		r.fault(n, path, "%s is outside %s", n.Value, s.bounds)
	}
}

func (s setting) within(x float64) bool {
	return s.bounds == "" || (x > s.low || s.lowIn && x == s.low) && (x < s.high || s.highIn && x == s.high)
}

// form is what the value of a setting must be, in words.
func (s setting) form() string {
	what := "text"
	switch s.value.Kind() {
	case reflect.Struct:
		return "keys and values"
	case reflect.Int, reflect.Uint64:
		what = "a whole number"
	case reflect.Float64:
		what = "a number"
	case reflect.Bool:
		return "true or false"
	}
	switch {
	case len(s.choices) > 0:
		return "one of " + strings.Join(s.choices, ", ")
	case s.bounds != "":
		return what + " in " + s.bounds
	}
	return what
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// flatten writes every setting of a struct into config, as path.key.
func flatten(v reflect.Value, path string, config map[string]string) {
	for _, s := range settings(v) {
		key := join(path, s.key)
		if s.value.Kind() == reflect.Struct {
			flatten(s.value, key, config)
			continue
		}
		config[key] = s.text()
	}
}

// text is the value as trial.json has it.
func (s setting) text() string {
	if s.value.Kind() == reflect.Float64 {
		return strconv.FormatFloat(s.value.Float(), 'g', -1, 64)
	}
	return fmt.Sprint(s.value.Interface())
}

// Describe lists the keys of a registered kind with their defaults, as YAML has them.
func Describe(kind any) string {
	config := map[string]string{}
	v := reflect.New(reflect.TypeOf(kind)).Elem()
	v.Set(reflect.ValueOf(kind))
	flatten(v, "", config)
	var parts []string
	for _, s := range settings(v) {
		if value, ok := config[s.key]; ok {
			if value == "" {
				value = `""`
			}
			parts = append(parts, s.key+": "+value)
		}
	}
	return strings.Join(parts, ", ")
}

// An Explained is one setting of a kind as a user may write it.
type Explained struct {
	Key     string // with the sections it stands in: "decay.factor"
	Default string
	Allowed string // choices or range; empty if anything is
	Choices []string
	Aliases []string // other names that are understood
	Knob    string   // "rises" or "falls" if it moves the rate of its variant: what the rate does where it rises
	Type    string   // name of the Go type that declares it
	Name    string   // its key there
}

// Explain lists the settings of a kind, those of sections within it in their place.
func Explain(kind any) []Explained { return explain(reflect.ValueOf(kind), "") }

func explain(v reflect.Value, path string) (all []Explained) {
	config := map[string]string{}
	whole := reflect.New(v.Type()).Elem()
	whole.Set(v)
	flatten(whole, "", config)
	for _, s := range settings(whole) {
		key := join(path, s.key)
		if s.value.Kind() == reflect.Struct {
			all = append(all, explain(s.value, key)...)
			continue
		}
		allowed := strings.Join(s.choices, "|")
		if allowed == "" {
			allowed = s.bounds
		}
		all = append(all, Explained{Key: key, Default: config[s.key], Allowed: allowed, Choices: s.choices, Aliases: s.aliases, Knob: s.knob, Type: s.owner, Name: s.key})
	}
	return all
}
