package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"vaelab/variants"
)

// methodsPage is docs/methods.md but for what the doc comments of the variants say.
//
//go:embed methods.md.tmpl
var methodsPage string

// A describedMethod is what the page says of a variant beside the list: parts of its doc comment.
type describedMethod struct {
	listedVariant
	Does   string // the first sentence without the type's name
	Body   []paragraph
	Source string
	Public string // how public code differs, "" if nothing is known
	File   string // in the folder variants
}

// A paragraph is one of text, or the lines of a formula.
type paragraph struct{ Text, Formula string }

// Name and the others are the columns of the list.
func (m describedMethod) Name() string  { return m.name }
func (m describedMethod) Knob() string  { return m.knob }
func (m describedMethod) Bound() string { return m.bound }
func (m describedMethod) Acts() string  { names, _ := m.places(); return names }

// Cost is the CPU time of a trial as a multiple of vanilla's, or "–".
func (m describedMethod) Cost() string {
	if c, ok := variants.Cost()[m.name]; ok {
		return fmt.Sprintf("%.2f", c)
	}
	return "–"
}

// describeMethod reads the parts of a variant's doc comment.
func describeMethod(name string) (m describedMethod, err error) {
	if m.listedVariant, err = describeVariant(name); err != nil {
		return m, err
	}
	_, does, _ := strings.Cut(variants.Methods.Doc(name), " ")
	doc := variants.Methods.Full(name)
	m.Does, m.File = strings.TrimRight(does, ":.,;"), doc.File
	for part := range strings.SplitSeq(strings.TrimSpace(doc.Text), "\n\n") {
		if strings.HasPrefix(part, "\t") {
			m.Body = append(m.Body, paragraph{Formula: strings.ReplaceAll(strings.TrimPrefix(part, "\t"), "\n\t", "\n")})
			continue
		}
		text := strings.Join(strings.Fields(part), " ")
		if source, ok := strings.CutPrefix(text, "Source: "); ok {
			m.Source = source
		} else if public, ok := strings.CutPrefix(text, "Public code: "); ok {
			m.Public = public
		} else {
			m.Body = append(m.Body, paragraph{Text: text})
		}
	}
	return m, nil
}

// writeMethods writes docs/methods.md.
func writeMethods(w io.Writer) error {
	var all []describedMethod
	for _, name := range variants.Methods.Names() {
		m, err := describeMethod(name)
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b describedMethod) int { return slices.Compare(a.order(), b.order()) })
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "<", `\<`)
	page := template.New("methods").Funcs(template.FuncMap{"text": escape.Replace})
	return template.Must(page.Parse(methodsPage)).Execute(w, all)
}
