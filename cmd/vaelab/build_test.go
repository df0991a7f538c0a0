package main

import (
	"runtime/debug"
	"testing"
)

// TestBuilt: the go command's record counts before the stamp of make build, and one of another source is
// never mixed in.
func TestBuilt(t *testing.T) {
	const a, b = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	for _, c := range []struct {
		name                              string
		settings                          []debug.BuildSetting
		stamp, stampModified              string
		revision, modified, goamd64, line string
	}{
		{"go build in a checkout", []debug.BuildSetting{{Key: "GOAMD64", Value: "v3"}, {Key: "vcs.revision", Value: a}, {Key: "vcs.modified", Value: "false"}},
			"", "", a, "false", "v3", "revision " + a},
		{"go build with changes", []debug.BuildSetting{{Key: "vcs.revision", Value: a}, {Key: "vcs.modified", Value: "true"}},
			"", "", a, "true", "", "revision " + a + ", with uncommitted changes"},
		{"make build with -buildvcs=false", []debug.BuildSetting{{Key: "GOAMD64", Value: "v1"}}, b, "true", b, "true", "v1", "revision " + b + ", with uncommitted changes"},
		{"both", []debug.BuildSetting{{Key: "vcs.revision", Value: a}, {Key: "vcs.modified", Value: "false"}}, b, "true", a, "false", "", "revision " + a},
		{"neither", nil, "", "", "", "", "", "revision unknown: " + unrecorded},
		{"make build outside git", nil, "", "false", "", "", "", "revision unknown: " + unrecorded},
	} {
		m := built(&debug.BuildInfo{Settings: c.settings}, c.stamp, c.stampModified)
		if m.Revision != c.revision || m.Modified != c.modified || m.GOAMD64 != c.goamd64 || (m.RevisionUnknown == "") != (c.revision != "") {
			t.Errorf("%s: %+v", c.name, m)
		}
		if got := revisionLine(m); got != c.line {
			t.Errorf("%s: %q, want %q", c.name, got, c.line)
		}
	}
}
