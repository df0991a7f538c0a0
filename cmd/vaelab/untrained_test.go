package main

import (
	"strings"
	"testing"
)

// TestUntrained: sentences that are alone with their length are counted, with a warning above 1 %, and near trains them.
func TestUntrained(t *testing.T) {
	lines := func(alone, of int) string {
		var b strings.Builder
		for i := range of - alone {
			b.WriteString([]string{"a b\n", "b a\n"}[i%2])
		}
		for i := range alone {
			b.WriteString(strings.Repeat("a ", 3+i) + "\n")
		}
		return b.String()
	}
	yaml := strings.Replace(tiny, "data: {synthetic: {train: 128, valid: 64, test: 64, length: 6, vocab: 50, hidden: 10, embed: 10}}", "data: {text: {train: train.txt, valid: valid.txt, test: valid.txt}}", 1)
	folder(t, "my.yaml", yaml, "valid.txt", lines(0, 8))
	for _, c := range []struct {
		alone, of int
		kind      string
	}{{4, 20, "warning"}, {2, 200, "note"}, {3, 200, "warning"}} {
		write(t, "train.txt", lines(c.alone, c.of))
		says := strings.Join([]string{"vaelab: ", c.kind, ": data text: "}, "")
		for _, command := range [][]string{{"data", "show", "my.yaml"}, {"plan", "my.yaml"}} {
			r := succeeds(t, command...)
			has(t, "stderr", r.err, says, "train.batching: near trains them")
			has(t, "output", r.out, "training sentences (")
			r = succeeds(t, append(command, "--set", "train.batching=near")...)
			if strings.Contains(r.out+r.err, "never trained") {
				t.Errorf("near: %s%s", r.out, r.err)
			}
		}
	}
}
