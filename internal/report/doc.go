// Package report writes the report of an experiment: the question, the claims with their verdicts,
// tables, figures, settings, warnings, provenance, and the command behind each part.
//
// A report is a pure function of rows and of what was made of them: nothing is trained, drawn or
// judged here, no clock is read, and the same trials give the same bytes on any machine.
// New arranges it in sections of plain text, tables and figures; HTML, Markdown and LaTeX
// print these sections and know nothing of trials.
//
// What is compared with what, and by which statistics, is in compare.go.
package report
