package train

import (
	"reflect"
	"strings"
	"testing"

	"vaelab/internal/safetensors"
	"vaelab/internal/vae"
)

// TestStamp: a stamp is read as it was written; weights without one have none, and a broken one is an error.
func TestStamp(t *testing.T) {
	want := Stamp{
		Settings: map[string]string{"variant": "bn", "data.csv.column": "a\"b\n"}, Seed: 7, Data: "0123", Vocab: "4567",
		Space: vae.Space{Kind: vae.Text, V: 30, MaxLen: 11},
	}
	conditional := want
	conditional.Space.Given, conditional.Classes = vae.Condition{Kind: vae.Label, Classes: 2}, []string{"a,\n", "b"}
	metadata, err := conditional.metadata()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadStamp(&safetensors.File{Metadata: metadata}); err != nil || !reflect.DeepEqual(*got, conditional) {
		t.Errorf("read %+v, %v; want %+v", got, err, conditional)
	}
	write := func(change map[string]string) *safetensors.File {
		m, err := want.metadata()
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range change {
			m[k] = v
		}
		return &safetensors.File{Metadata: m}
	}
	if got, err := ReadStamp(write(nil)); err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	for _, f := range []*safetensors.File{{}, {Metadata: map[string]string{"format": "pt", "seed": "x"}}} {
		if got, err := ReadStamp(f); got != nil || err != nil {
			t.Errorf("metadata %v: read %+v, %v", f.Metadata, got, err)
		}
	}
	for entry, says := range map[string]string{
		"vaelab=2": `format "2"`, "seed=": "the entry seed", "settings=[1]": "the entry settings", `space={"kind":"text","symbols":-1}`: "a size of -1",
		`space={"kind":"image","height":99999999999}`: "a size of 99999999999", `space={"kind":"sound"}`: `the kind "sound"`, "space={}": `the kind ""`,
		`space={"kind":"text","given":"sound"}`: `conditions of the kind "sound"`, `space={"kind":"text","labels":-1}`: "a size of -1", "classes=x": "the entry classes",
	} {
		key, value, _ := strings.Cut(entry, "=")
		if got, err := ReadStamp(write(map[string]string{key: value})); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: read %+v, %v; want %q", entry, got, err, says)
		}
	}
}
