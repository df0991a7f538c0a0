// Package report writes the report of an experiment: the question, the claims with their verdicts,
// tables, figures, settings, warnings, provenance, and the command behind each part.
//
// A report is a pure function of rows, verdicts and figures: the package trains and
// evaluates nothing and reads no clock. The same trials give the same bytes on any machine.
// New arranges sections of text, tables and figures; HTML, Markdown and LaTeX print these
// sections without access to trials; Tabular prints one table. A Publication also draws the figures and writes the
// files: report, figures, and on request rows and verdicts.
//
// Comparisons and their statistics are in compare.go.
package report
