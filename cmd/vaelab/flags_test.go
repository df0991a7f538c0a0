package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestFlagMistakes: of every command, a flag that there is not, a value that a flag cannot have, and flags that exclude each
// other are usage errors of one line.
func TestFlagMistakes(t *testing.T) {
	folder(t)
	pairs := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		if !cmd.Runnable() {
			return
		}
		code := exitUsage
		if cmd.Name() == "verify" && cmd.Parent().Parent() == nil {
			code = exitNotJudged
		}
		path := strings.Fields(cmd.CommandPath())[1:]
		refused := func(want string, flags ...string) {
			t.Helper()
			line := append(append(path[:len(path):len(path)], "x"), flags...)
			r := vaelab(t, line...)
			if r.code != code || r.out != "" || strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, want) {
				t.Errorf("vaelab %s: exit code %d, want %d and one line with %q\n%s%s", quoted(line), r.code, code, want, r.out, r.err)
			}
		}
		refused("unknown flag: --no-such-flag", "--no-such-flag")
		groups := map[string][]*pflag.Flag{}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			switch f.Value.Type() {
			case "int", "int64", "uint64", "float64", "bool", "duration":
				refused("--"+f.Name, "--"+f.Name+"=nonsense")
			}
			for _, group := range f.Annotations[exclusive] {
				groups[group] = append(groups[group], f)
			}
		})
		for _, flags := range groups {
			for i, a := range flags {
				for _, b := range flags[:i] {
					pairs++
					refused(fmt.Sprintf("--%s and --%s exclude each other; leave one of them out", b.Name, a.Name), withValue(a), withValue(b))
				}
			}
		}
	}
	walk(newRoot())
	if pairs == 0 {
		t.Error("no flags that exclude each other were found; has cobra another name for the annotation?")
	}
}

// withValue is a flag with a value that it may have.
func withValue(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "--" + f.Name
	case "int":
		return "--" + f.Name + "=100"
	case "format":
		return "--" + f.Name + "=png"
	case "width":
		return "--" + f.Name + "=7in"
	case "duration":
		return "--" + f.Name + "=1s"
	}
	return "--" + f.Name + "=x"
}
