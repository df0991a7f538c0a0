package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"vaelab/experiments"
)

// TestSchemaFile: the schema beside the shipped experiments is that of this program, and each of them names it for editors.
func TestSchemaFile(t *testing.T) {
	if read(t, filepath.Join("..", "..", "experiments", "vaelab.schema.json")) != succeeds(t, "schema").out {
		t.Error("experiments/vaelab.schema.json is not what vaelab schema prints; run make schema")
	}
	files, err := fs.Glob(experiments.Files, "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if text, err := fs.ReadFile(experiments.Files, name); err != nil || !strings.HasPrefix(string(text), "# yaml-language-server: $schema=vaelab.schema.json\n") {
			t.Errorf("%s does not begin with the line for editors: %v", name, err)
		}
	}
}
