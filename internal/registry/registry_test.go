package registry

import (
	"strings"
	"testing"
	"testing/fstest"
)

// kind is a kind for the test.
type kind struct{}

func TestRegistry(t *testing.T) {
	r := New[any]("variant", fstest.MapFS{"a.go": {Data: []byte(
		"package a\n\n// kind does one thing,\n// over two lines. And more.\ntype kind struct{}\n")}})
	r.Add("free-bits", kind{})
	r.Add("bn", kind{})
	if got := r.Doc("bn"); got != "kind does one thing, over two lines." {
		t.Errorf("Doc = %q", got)
	}
	if _, err := r.Get("bn"); err != nil {
		t.Error(err)
	}
	_, err := r.Get("fre-bits")
	for _, want := range []string{`unknown variant "fre-bits"`, `did you mean "free-bits"?`, "known: bn, free-bits"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %s", err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"gamma", "beta", "tau", "latent_dim"}
	for name, want := range map[string]string{
		"gama": "gamma", "amgma": "gamma", "latent-dim": "latent_dim", "Tau": "tau", "momentum": "", "x": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
