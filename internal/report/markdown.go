package report

import (
	"bytes"
	_ "embed"
	"strings"
	"text/template"
)

//go:embed page.md.tmpl
var markdownText string

var markdownPage = template.Must(template.New("markdown").Funcs(template.FuncMap{
	"md":    markdownEscape,
	"fixed": func(text string) string { return strings.ReplaceAll(text, " ", fixed) }, // a number does not break
	"align": func(i, left int) string {
		if i < left {
			return ":---"
		}
		return "---:"
	},
}).Parse(markdownText))

// Markdown returns the report for GitHub's dialect; the pictures are files beside it.
func (r *Report) Markdown() ([]byte, error) {
	var b bytes.Buffer
	err := markdownPage.Execute(&b, r)
	return b.Bytes(), err
}

// markdownEscape takes their meaning from the characters that have one.
var markdownEscaper = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "|", `\|`, "<", `\<`, "[", `\[`, "]", `\]`, "~", `\~`, "$", `\$`, "\n", " ")

func markdownEscape(text string) string { return markdownEscaper.Replace(text) }
