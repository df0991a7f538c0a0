// Package experiments holds the experiments that ship with the program, one YAML file a
// question. Their results are in LOG.md.
package experiments

import "embed"

// Files are the YAML files.
//
//go:embed *.yaml
var Files embed.FS
