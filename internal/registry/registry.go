// Package registry maps the names in YAML files to the kinds of variants, models, data sources and
// figures.
//
// A kind is a struct: its fields are the keys, the registered value has the defaults, and
// `vaelab list` prints its doc comment. Nothing is written twice.
package registry

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Registry maps names to default values of kinds that satisfy T.
type Registry[T any] struct {
	what  string
	kinds map[string]T
	names []string // in alphabetical order
	docs  func() map[string]Doc
}

// New returns an empty registry. What names the seam in messages ("variant"); src holds
// the package's own Go files, from which Doc reads the doc comments.
func New[T any](what string, src fs.FS) *Registry[T] {
	r := &Registry[T]{what: what, kinds: map[string]T{}}
	r.docs = sync.OnceValue(func() map[string]Doc { return ReadDocs(src) })
	return r
}

// Add registers a kind under a name. It panics on a duplicate and on anything but a struct.
func (r *Registry[T]) Add(name string, defaults T) {
	if _, ok := r.kinds[name]; ok {
		panic("registry: " + r.what + ": duplicate " + name)
	}
	if reflect.TypeOf(defaults).Kind() != reflect.Struct {
		panic("registry: " + r.what + ": " + name + " is not a struct")
	}
	r.kinds[name] = defaults
	at, _ := slices.BinarySearch(r.names, name)
	r.names = slices.Insert(r.names, at, name)
}

// What names the seam, as New was told.
func (r *Registry[T]) What() string { return r.what }

// Names returns all names in alphabetical order.
func (r *Registry[T]) Names() []string { return slices.Clone(r.names) }

// Get returns the defaults registered under a name, or an error that lists the names.
func (r *Registry[T]) Get(name string) (T, error) {
	if v, ok := r.kinds[name]; ok {
		return v, nil
	}
	var zero T
	return zero, Unknown(r.what, name, r.Names())
}

// NameOf returns the name of a kind's type, whatever its settings, or "" if it is not registered.
func (r *Registry[T]) NameOf(kind T) string {
	for _, n := range r.names {
		if reflect.TypeOf(r.kinds[n]) == reflect.TypeOf(kind) {
			return n
		}
	}
	return ""
}

// Doc returns the first sentence of the kind's doc comment, without line breaks.
func (r *Registry[T]) Doc(name string) string {
	return new(doc.Package).Synopsis(r.docs()[r.typeName(name)].Text)
}

// Full is all that the source says of the kind.
func (r *Registry[T]) Full(name string) Doc { return r.docs()[r.typeName(name)] }

// Docs are the doc comments of the seam's types, by name of the type.
func (r *Registry[T]) Docs() map[string]Doc { return r.docs() }

// typeName is the name of the type registered under a name, or "".
func (r *Registry[T]) typeName(name string) string {
	if v, ok := r.kinds[name]; ok {
		return reflect.TypeOf(v).Name()
	}
	return ""
}

// A Doc is what the source says of a type.
type Doc struct {
	File     string            // that it is in
	Text     string            // its comment
	Settings map[string]string // the comments of its fields, by the key in their yaml tag, without line breaks
}

// ReadDocs reads the doc comments of all types of a package, by their names, from its Go files.
func ReadDocs(src fs.FS) map[string]Doc {
	docs := map[string]Doc{}
	fset := token.NewFileSet()
	paths, _ := fs.Glob(src, "*.go")
	for _, path := range paths {
		text, err := fs.ReadFile(src, path)
		if err != nil {
			continue
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			continue
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				t := s.(*ast.TypeSpec)
				comment := t.Doc
				if comment == nil {
					comment = g.Doc
				}
				docs[t.Name.Name] = Doc{File: path, Text: comment.Text(), Settings: fieldDocs(t)}
			}
		}
	}
	return docs
}

// fieldDocs are the comments of a struct's fields that have a yaml key.
func fieldDocs(t *ast.TypeSpec) map[string]string {
	s, ok := t.Type.(*ast.StructType)
	if !ok {
		return nil
	}
	docs := map[string]string{}
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			continue
		}
		if key := reflect.StructTag(tag).Get("yaml"); key != "" {
			docs[key] = strings.Join(strings.Fields(f.Doc.Text()), " ")
		}
	}
	return docs
}

// Unknown is the error for a name that is not among the known ones: it names the
// nearest, if one is near, and lists them all.
func Unknown(what, name string, known []string) error {
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("unknown %s %q; did you mean %q? known: %s", what, name, near, strings.Join(known, ", "))
	}
	return fmt.Errorf("unknown %s %q; known: %s", what, name, strings.Join(known, ", "))
}

// Nearest returns the known name with the smallest edit distance to name, or "" if
// none is within a third of the name's length (at least two edits).
func Nearest(name string, known []string) string {
	best, at := max(2, len(name)/3)+1, ""
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < best {
			best, at = d, k
		}
	}
	return at
}

// distance is the optimal-string-alignment distance: insertions, deletions,
// substitutions and swaps of neighbours cost one each.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
