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

// origins are the lines of the provenance that say what trials ran with. Whatever names one machine is left out.
var origins = []origin{
	{"versions of the program", func(r record.Run) string { return r.Manifest.Version }, "Versions may train differently."},
	{"revisions", revision, "Versions may train differently."},
	{"precisions", func(r record.Run) string { return r.Manifest.Precision }, "They round differently."},
	{"kernels", func(r record.Run) string { return r.Manifest.Kernel }, ""},
	{"CPU models", func(r record.Run) string { return r.Manifest.CPU }, "Their times do not compare."},
	{"platforms", platform, "They may round differently."},
	{"versions of Go", func(r record.Run) string { return r.Manifest.Go }, ""},
	{"data", func(r record.Run) string {
		if r.Manifest.Data != "" {
			return r.Manifest.Data
		}
		return r.Data
	}, ""},
}

// revision is that of the program's source; a trial without a manifest has none.
func revision(r record.Run) string {
	switch m := r.Manifest; {
	case m.Started == "":
		return ""
	case m.Revision == "":
		return "unknown"
	case m.Modified == "true":
		return m.Revision + " modified"
	default:
		return m.Revision
	}
}

// class is the class of kernels: two tiers that give the same bytes are one.
func class(r record.Run) string { return r.Manifest.Class() }

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
	t := Table{Name: "provenance", Header: []string{"what", "value (trials)"}, Left: 2}
	for _, o := range origins {
		if values := census(s.Set.Runs, o.of); len(values) > 0 {
			t.Rows = append(t.Rows, plain(o.what, tally(values)))
		}
	}
	var started []string
	var wall, cpu sum
	var peaks []float64
	resumed, without := 0, 0
	for _, r := range s.Set.Runs {
		m := r.Manifest
		if m.Started == "" {
			without++
			continue
		}
		started = append(started, m.Started)
		wall.add(m.Seconds)
		cpu.add(m.CPUSeconds)
		if m.Seconds > 0 && m.Resumed {
			resumed++
		}
		if m.PeakMemory > 0 {
			peaks = append(peaks, float64(m.PeakMemory)/1e6)
		}
	}
	if len(started) > 0 {
		slices.Sort(started)
		t.Rows = append(t.Rows, plain("started", started[0]+" to "+started[len(started)-1]))
	}
	if wall.n > 0 {
		t.Rows = append(t.Rows, plain("wall clock", wall.String()))
	}
	if cpu.n > 0 {
		t.Rows = append(t.Rows, plain("CPU time", cpu.String()))
	}
	if len(peaks) > 0 {
		least, most := fmt.Sprintf("%.0f", slices.Min(peaks)), fmt.Sprintf("%.0f", slices.Max(peaks))
		if least != most {
			most = least + " to " + most
		}
		t.Rows = append(t.Rows, plain("peak memory", most+" MB of the process"))
		t.Notes = append(t.Notes, "Peak memory is that of the whole process up to the end of a trial; trials that run side by side share it.")
	}
	if resumed > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("The times of %s that resumed a checkpoint cover only the part after the last resumption.", count(resumed, "trial")))
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

// Untraceable counts the trials whose program nobody can build again: those that do not know its revision, and
// those whose source had changes that no revision has.
func Untraceable(set *record.Set) (unknown, modified int) {
	for _, r := range set.Runs {
		switch m := r.Manifest; {
		case m.Revision == "":
			unknown++
		case m.Modified == "true":
			modified++
		}
	}
	return unknown, modified
}

// A sum is of the seconds of the trials that know them.
type sum struct {
	seconds float64
	n       int
}

func (s *sum) add(seconds float64) {
	if seconds > 0 {
		s.seconds, s.n = s.seconds+seconds, s.n+1
	}
}

func (s sum) String() string { return fmt.Sprintf("%.0f s of %s", s.seconds, count(s.n, "trial")) }

// census counts the trials by what they say; those that say nothing are left out.
func census(runs []record.Run, of func(record.Run) string) map[string]int {
	values := map[string]int{}
	for _, r := range runs {
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
