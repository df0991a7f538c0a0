package machine

import "testing"

func TestModelName(t *testing.T) {
	for _, c := range []struct{ info, want string }{
		{"processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD  EPYC 9B14 \nflags\t: fpu\n\nprocessor\t: 1\nmodel name\t: other\n", "AMD EPYC 9B14"},
		{"processor\t: 0\nCPU implementer\t: 0x41\n", ""},
		{"model name", ""},
		{"", ""},
	} {
		if got := modelName(c.info); got != c.want {
			t.Errorf("%q: got %q, want %q", c.info, got, c.want)
		}
	}
}
