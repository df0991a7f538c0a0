package report

import (
	"fmt"
	"slices"
	"strings"

	"vaelab/internal/record"
)

// An origin is one thing that manifests say.
type origin struct {
	what  string
	of    func(r record.Run) string // "" if it is not known
	mixed string                    // why it should be the same for all; "" if it need not
}

// origins are the lines of the provenance. Whatever names a machine is left out.
var origins = []origin{
	{"versions of the program", func(r record.Run) string { return r.Manifest.Version }, "Versions may train differently."},
	{"revisions", func(r record.Run) string { return r.Manifest.Revision }, "Versions may train differently."},
	{"precisions", func(r record.Run) string { return r.Manifest.Precision }, "They round differently."},
	{"kernels", func(r record.Run) string { return r.Manifest.Kernel }, "They may round differently."},
	{"platforms", platform, "They may round differently."},
	{"versions of Go", func(r record.Run) string { return r.Manifest.Go }, ""},
	{"data", func(r record.Run) string {
		if r.Manifest.Data != "" {
			return r.Manifest.Data
		}
		return r.Data
	}, ""},
}

func platform(r record.Run) string {
	m := r.Manifest
	if m.OS == "" {
		return ""
	}
	text := m.OS + "/" + m.Arch
	if m.GOAMD64 != "" {
		text += " " + m.GOAMD64
	}
	return text
}

// provenance is with what, and when, the trials ran.
func provenance(s Source) Section {
	section := Section{Title: "Provenance", Command: "vaelab export " + s.Folder + " > rows.csv"}
	t := Table{Header: []string{"what", "value (trials)"}, Left: 2}
	for _, o := range origins {
		if values := census(s.Set, o.of); len(values) > 0 {
			t.Rows = append(t.Rows, plain(o.what, tally(values)))
		}
	}
	var started []string
	seconds, timed, without := 0.0, 0, 0
	for _, r := range s.Set.Runs {
		if r.Manifest.Started == "" {
			without++
			continue
		}
		started = append(started, r.Manifest.Started)
		if r.Manifest.Seconds > 0 {
			seconds, timed = seconds+r.Manifest.Seconds, timed+1
		}
	}
	if len(started) > 0 {
		slices.Sort(started)
		t.Rows = append(t.Rows, plain("started", started[0]+" to "+started[len(started)-1]))
	}
	if timed > 0 {
		t.Rows = append(t.Rows, plain("time", fmt.Sprintf("%.0f s of %s", seconds, count(timed, "trial"))))
	}
	if without > 0 {
		t.Rows = append(t.Rows, plain("without a manifest", count(without, "trial")))
	}
	if s.Version != "" {
		t.Rows = append(t.Rows, plain("report written by", "vaelab "+s.Version))
	}
	if len(t.Rows) > 0 {
		section.Tables = []Table{t}
	}
	return section
}

// census counts the trials by what they say; those that say nothing are left out.
func census(set *record.Set, of func(record.Run) string) map[string]int {
	values := map[string]int{}
	for _, r := range set.Runs {
		if v := of(r); v != "" {
			values[v]++
		}
	}
	return values
}

// tally is "avx2 (4), avx512 (20)".
func tally(values map[string]int) string {
	var parts []string
	for _, v := range sorted(values) {
		parts = append(parts, fmt.Sprintf("%s (%d)", v, values[v]))
	}
	return strings.Join(parts, ", ")
}
