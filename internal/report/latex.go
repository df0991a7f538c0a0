package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"vaelab/internal/registry"
)

//go:embed page.tex.tmpl
var latexText string

var latexPage = template.Must(template.New("latex").Delims("<<", ">>").Funcs(template.FuncMap{
	"tex":    latexEscape,
	"layout": latexLayout,
	"bare": func(t Table) string { // of a tabular, whose page and size are not known
		if t.Left > 1 {
			return strings.Join(textColumns[t.Left], "")
		}
		return "l" + strings.Repeat("r", len(t.Header)-1)
	},
	"width": func(f Figure) string {
		if f.Inches == 0 || f.Inches > textInches {
			return `\linewidth`
		}
		return fmt.Sprintf("%.4gin", f.Inches)
	},
	"comment":     func(text string) string { return "% " + strings.ReplaceAll(text, "\n", " ") },
	"room":        latexRoom,
	"sectionRoom": sectionRoom,
	"lines":       func(text string) []string { return strings.Split(text, "\n") },
}).Parse(latexText))

// textInches is the width of the text: A4 with margins of 2 cm. A figure that is narrower keeps its size.
const textInches = 17 / 2.54

// LaTeX returns the report as a document for pdflatex, with booktabs tables; the pictures are
// files beside it.
func (r *Report) LaTeX() ([]byte, error) {
	var b bytes.Buffer
	err := latexPage.Execute(&b, r)
	return b.Bytes(), err
}

// latexRoom is how many lines a table needs on a page to begin there: all of a short one, with its
// heading and two lines a row, and the first part of a long one.
func latexRoom(t Table) int { return min(4+2*len(t.Rows), 20) }

// sectionRoom is how many lines a section needs, so that its heading does not stand alone at the end of a page.
func sectionRoom(s Section) int {
	lines := 5 + 3*len(s.Text)
	if len(s.Tables) > 0 {
		lines += latexRoom(s.Tables[0])
	}
	return min(lines, 30)
}

// textWidth is the width of the text on a page of the document, 17 cm, in points of TeX.
const textWidth = 483.7

// A typesetting is how large a table is set, and how far apart its columns are.
type typesetting struct {
	size   string
	points float64 // an em of the size: 8 and 7 pt have wider letters than 10 pt have
	sep    float64 // \tabcolsep, in points
}

var typesettings = []typesetting{
	{`\footnotesize`, 8.5, 6}, {`\footnotesize\setlength{\tabcolsep}{3pt}`, 8.5, 3}, {`\scriptsize\setlength{\tabcolsep}{2pt}`, 8, 2},
}

// leastLabel is the narrowest column of labels, in points.
const leastLabel = 60

// A layout is a table as it fits a page.
type layout struct {
	Table
	Size, Columns string
}

// latexLayout lays a table out: text to the left, numbers to the right. Numbers stay in one line. If a table is too wide, its
// labels break; if it is too wide by more than that, rows and columns change places; and if that is no better, everything breaks.
func latexLayout(t Table) layout {
	if t.Left > 1 {
		return layout{t, `\footnotesize`, strings.Join(textColumns[t.Left], "")}
	}
	numbers := strings.Repeat("r", len(t.Header)-1)
	for _, s := range typesettings {
		label, rest := t.widths(s)
		switch room := textWidth - rest; {
		case label <= room:
			return layout{t, s.size, "l" + numbers}
		case room >= max(leastLabel, label/2):
			return layout{t, s.size, fmt.Sprintf(`>{\raggedright\arraybackslash}p{%.0fpt}`, room) + numbers}
		}
	}
	last := typesettings[len(typesettings)-1]
	if turned := t.turned(); len(turned.Header) <= len(t.Header)+1 {
		label, _ := turned.widths(last)
		n := float64(len(turned.Header) - 1)
		each := (textWidth-label)/n - 2*last.sep
		if turned.widest()*last.points <= each {
			return layout{turned, last.size, "l" + strings.Repeat(fmt.Sprintf(`>{\raggedleft\arraybackslash}p{%.0fpt}`, each), int(n))}
		}
	}
	n := len(t.Header) - 1
	number := fmt.Sprintf(`>{\raggedleft\arraybackslash}p{\dimexpr 0.83\linewidth/%d-2\tabcolsep\relax}`, n)
	return layout{t, last.size, textColumn("0.16") + strings.Repeat(number, n)}
}

// turned is the table of numbers with its columns as rows.
func (t Table) turned() Table {
	turned := t
	turned.Header, turned.Rows = []string{""}, nil
	for _, row := range t.Rows {
		turned.Header = append(turned.Header, row[0].String())
	}
	for i, head := range t.Header[1:] {
		cells := plain(head)
		for _, row := range t.Rows {
			cells = append(cells, row[i+1])
		}
		turned.Rows = append(turned.Rows, cells)
	}
	return turned
}

// widest is how wide the widest number is, in ems.
func (t Table) widest() (width float64) {
	for _, row := range t.Rows {
		for _, c := range row[1:] {
			width = max(width, ems(c.String()))
		}
	}
	return width
}

// widths are how wide the column of labels is, and the others with the space between all, in points.
func (t Table) widths(s typesetting) (label, rest float64) {
	for i, head := range t.Header {
		width := ems(head)
		for _, row := range t.Rows {
			width = max(width, ems(row[i].String()))
		}
		if i == 0 {
			label = width * s.points
			continue
		}
		rest += width*s.points + 2*s.sep
	}
	return label, rest
}

// ems is about how wide a text is in Latin Modern, in ems, and rather more than less.
func ems(text string) (sum float64) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(".,:;'|!il[]()jtI", r):
			sum += 0.33
		case r == ' ', r == '\u00a0':
			sum += 0.35
		case strings.ContainsRune("mwMW", r):
			sum += 0.95
		case r >= 'A' && r <= 'Z', strings.ContainsRune("±−=<>~+", r):
			sum += 0.78
		default:
			sum += 0.54
		}
	}
	return sum
}

// textColumns are the widths of tables of text, by their number of columns.
var textColumns = map[int][]string{
	2: {textColumn("0.38"), textColumn("0.56")},
	3: {textColumn("0.22"), textColumn("0.18"), textColumn("0.52")},
	5: {textColumn("0.11"), textColumn("0.24"), textColumn("0.12"), textColumn("0.25"), textColumn("0.17")},
}

func textColumn(width string) string {
	return `>{\raggedright\arraybackslash}p{` + width + `\linewidth}`
}

// Tabular returns the table as a tabular of booktabs without caption and notes, to be taken into a paper by \input. Those are
// comments above it.
func (t Table) Tabular() ([]byte, error) {
	var b bytes.Buffer
	err := latexPage.ExecuteTemplate(&b, "tabular", t)
	return b.Bytes(), err
}

// Table returns the table of a name, and an error that names the nearest if there is none.
func (r *Report) Table(name string) (Table, error) {
	var names []string
	for _, section := range r.Sections {
		for _, t := range section.Tables {
			if t.Name == name {
				return t, nil
			}
			names = append(names, t.Name)
		}
	}
	if name == "claims" {
		return Table{}, errors.New("claims: no claim has been judged here; vaelab verify judges those of an experiment")
	}
	return Table{}, registry.Unknown("table", name, names)
}

// mayBreak is a place without width at which a line may end.
const mayBreak = "\u200b"

// longWord is one without such a place, as the name of a revision is.
var longWord = regexp.MustCompile(`[0-9A-Za-z]{24,}`)

// joint is a character behind which a name may break: of a path, or of methods that are combined.
var joint = regexp.MustCompile(`[/+]`)

// latexEscaper also takes apart what a typeface makes one letter of: -- and ,, and ?`.
var latexEscaper = strings.NewReplacer(
	`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`, "%", `\%`, "_", `\_\allowbreak{}`,
	"^", `\textasciicircum{}`, "~", `$\sim$`, "<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`, `"`, `\textquotedbl{}`, "`", `\textasciigrave{}`,
	"--", "-{}-", ",,", ",{},",
	mayBreak, `\allowbreak{}`, fixed, "~", "±", `$\pm$`, "−", `$-$`, "–", "--", "—", "---", "…", `\dots{}`, "√", `$\surd$`, "²", `$^2$`, "½", `$\frac12$`, "≥", `$\ge$`, "≤", `$\le$`, "≈", `$\approx$`, "×", `$\times$`, "·", `$\cdot$`,
	"Δ", `$\Delta$`, "→", `$\to$`, "∞", `$\infty$`, "‖", `$\Vert$`, "‘", "`", "’", "'", "“", "``", "”", "''",
	"α", `$\alpha$`, "β", `$\beta$`, "γ", `$\gamma$`, "δ", `$\delta$`, "ε", `$\varepsilon$`, "ζ", `$\zeta$`, "η", `$\eta$`, "θ", `$\theta$`, "κ", `$\kappa$`, "λ", `$\lambda$`,
	"μ", `$\mu$`, "µ", `$\mu$`, "ν", `$\nu$`, "ξ", `$\xi$`, "π", `$\pi$`, "ρ", `$\rho$`, "σ", `$\sigma$`, "τ", `$\tau$`, "φ", `$\varphi$`, "χ", `$\chi$`, "ψ", `$\psi$`, "ω", `$\omega$`,
	"Γ", `$\Gamma$`, "Θ", `$\Theta$`, "Λ", `$\Lambda$`, "Π", `$\Pi$`, "Σ", `$\Sigma$`, "Φ", `$\Phi$`, "Ψ", `$\Psi$`, "Ω", `$\Omega$`,
)

// latexEscape makes plain text of a text; pdflatex stops at a letter that it does not know, which
// becomes a question mark.
func latexEscape(text string) string {
	text = longWord.ReplaceAllStringFunc(strings.ReplaceAll(text, mayBreak, ""), func(word string) string {
		var b strings.Builder
		for part := range slices.Chunk([]byte(word), 10) {
			b.Write(part)
			b.WriteString(mayBreak)
		}
		return b.String()
	})
	text = latexEscaper.Replace(joint.ReplaceAllString(text, "$0"+mayBreak))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r > '~' && r < '\u00a0' || r > 'ÿ':
			return '?'
		}
		return r
	}, text)
}
