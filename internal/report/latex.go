package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
)

//go:embed page.tex.tmpl
var latexText string

var latexPage = template.Must(template.New("latex").Delims("<<", ">>").Funcs(template.FuncMap{
	"tex":     latexEscape,
	"columns": latexColumns,
	"size": func(t Table) string {
		if len(t.Header) > fewColumns {
			return `\scriptsize\setlength{\tabcolsep}{2pt}`
		}
		return `\footnotesize`
	},
	"room":  latexRoom,
	"lines": func(text string) []string { return strings.Split(text, "\n") },
}).Parse(latexText))

// LaTeX returns the report as a document for pdflatex, with booktabs tables; the pictures are
// files beside it.
func (r *Report) LaTeX() ([]byte, error) {
	var b bytes.Buffer
	err := latexPage.Execute(&b, r)
	return b.Bytes(), err
}

// fewColumns fit a page as they are; in more, lines have to break.
const fewColumns = 5

// latexRoom is how many lines a table needs on a page to begin there: all of a short one, with its
// heading and two lines a row, and the first part of a long one.
func latexRoom(t Table) int { return min(4+2*len(t.Rows), 20) }

// latexColumns are the columns of a table: text to the left, numbers to the right.
func latexColumns(t Table) string {
	numbers := len(t.Header) - t.Left
	switch {
	case t.Left > 1:
		return strings.Join(textColumns[t.Left], "")
	case len(t.Header) <= fewColumns:
		return "l" + strings.Repeat("r", numbers)
	}
	first, counts := textColumn("0.16"), ""
	if t.Header[1] == "n" { // needs no more room than its numbers
		counts, numbers = "r", numbers-1
	}
	number := fmt.Sprintf(`>{\raggedleft\arraybackslash}p{\dimexpr 0.81\linewidth/%d-2\tabcolsep\relax}`, numbers)
	return first + counts + strings.Repeat(number, numbers)
}

// textColumns are the widths of tables of text, by their number of columns.
var textColumns = map[int][]string{
	2: {textColumn("0.38"), textColumn("0.56")},
	3: {textColumn("0.22"), textColumn("0.18"), textColumn("0.52")},
	5: {textColumn("0.10"), textColumn("0.25"), textColumn("0.12"), textColumn("0.25"), textColumn("0.17")},
}

func textColumn(width string) string {
	return `>{\raggedright\arraybackslash}p{` + width + `\linewidth}`
}

// latexEscaper also takes apart what a typeface makes one letter of: -- and ,, and ?`.
var latexEscaper = strings.NewReplacer(
	`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`, "%", `\%`, "_", `\_\allowbreak{}`,
	"^", `\textasciicircum{}`, "~", `$\sim$`, "<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`, `"`, `\textquotedbl{}`, "`", `\textasciigrave{}`,
	"--", "-{}-", ",,", ",{},",
	fixed, "~", "±", `$\pm$`, "−", `$-$`, "–", "--", "—", "---", "…", `\dots{}`, "√", `$\surd$`, "²", `$^2$`, "½", `$\frac12$`, "≥", `$\ge$`, "≤", `$\le$`, "≈", `$\approx$`, "×", `$\times$`, "·", `$\cdot$`,
	"Δ", `$\Delta$`, "→", `$\to$`, "∞", `$\infty$`, "‖", `$\Vert$`, "‘", "`", "’", "'", "“", "``", "”", "''",
	"α", `$\alpha$`, "β", `$\beta$`, "γ", `$\gamma$`, "δ", `$\delta$`, "ε", `$\varepsilon$`, "ζ", `$\zeta$`, "η", `$\eta$`, "θ", `$\theta$`, "κ", `$\kappa$`, "λ", `$\lambda$`,
	"μ", `$\mu$`, "µ", `$\mu$`, "ν", `$\nu$`, "ξ", `$\xi$`, "π", `$\pi$`, "ρ", `$\rho$`, "σ", `$\sigma$`, "τ", `$\tau$`, "φ", `$\varphi$`, "χ", `$\chi$`, "ψ", `$\psi$`, "ω", `$\omega$`,
	"Γ", `$\Gamma$`, "Θ", `$\Theta$`, "Λ", `$\Lambda$`, "Π", `$\Pi$`, "Σ", `$\Sigma$`, "Φ", `$\Phi$`, "Ψ", `$\Psi$`, "Ω", `$\Omega$`,
)

// latexEscape makes plain text of a text; pdflatex stops at a letter that it does not know, which
// becomes a question mark.
func latexEscape(text string) string {
	text = latexEscaper.Replace(text)
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
