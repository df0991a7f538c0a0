// Package experiments embeds the shipped experiments, one YAML file per question. Their results are in
// LOG.md.
package experiments

import "embed"

// Files are the YAML files.
//
//go:embed *.yaml
var Files embed.FS
