package main

import (
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
	for _, name := range experiments.Names() {
		up := strings.Repeat("../", strings.Count(experiments.Path(name), "/"))
		if text, err := experiments.Read(name); err != nil || !strings.HasPrefix(string(text), "# yaml-language-server: $schema="+up+"vaelab.schema.json\n") {
			t.Errorf("%s does not begin with the line for editors: %v", name, err)
		}
	}
}
