package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports is which package of the project may import which: every arrow points down. A
// package that is not here has to be added on purpose.
var imports = map[string]string{
	"experiments":            "",
	"internal/machine":       "", // for programs only: it reads the CPU clock
	"internal/tensor/kernel": "",
	"internal/stream":        "",
	"internal/registry":      "",
	"internal/safetensors":   "internal/magic",
	"internal/tensorboard":   "",
	"internal/folder":        "",
	"internal/magic":         "",
	"internal/memory":        "",
	"internal/host":          "",
	"internal/owner":         "internal/host",
	"internal/record":        "internal/folder internal/host",
	"internal/converge":      "internal/record",
	"internal/table":         "internal/record internal/registry",
	"internal/fetch":         "internal/magic internal/record internal/registry",
	"internal/tensor":        "internal/tensor/kernel",
	"internal/sphere":        "",
	"internal/grad":          "internal/sphere internal/tensor",
	"internal/mmd":           "internal/grad",
	"internal/nn":            "internal/grad internal/tensor internal/stream internal/safetensors",
	"internal/optim":         "internal/nn internal/registry internal/tensor",
	"internal/vae":           "internal/nn internal/grad internal/sphere internal/tensor",
	"variants":               "internal/vae internal/sphere internal/nn internal/grad internal/mmd internal/tensor internal/registry",
	"internal/models":        "internal/vae internal/nn internal/grad internal/registry",
	"internal/data":          "internal/vae internal/tensor internal/stream internal/registry internal/magic internal/folder internal/memory",
	"internal/metrics":       "internal/vae internal/nn internal/optim internal/grad internal/tensor internal/stream internal/record",
	"internal/generate":      "internal/data internal/vae internal/nn internal/grad internal/tensor internal/stream",
	"internal/stats":         "",
	"internal/frontier":      "internal/record internal/stats",
	"internal/report":        "internal/claims internal/converge internal/frontier internal/record internal/registry internal/stats plots",
	"internal/submit":        "internal/record",
	"internal/claims":        "internal/converge internal/frontier internal/record internal/registry internal/stats",
	"plots":                  "internal/converge internal/frontier internal/record internal/registry internal/stats",
	"internal/train": "internal/generate internal/metrics variants internal/models internal/data internal/optim " +
		"internal/vae internal/nn internal/grad internal/stream internal/safetensors internal/record internal/registry internal/memory",
	"internal/watch":  "internal/record internal/status internal/sweep plots",
	"internal/status": "internal/folder internal/owner internal/record internal/submit internal/train",
	"internal/sweep": "internal/train variants internal/models internal/data internal/optim " +
		"internal/vae internal/tensor internal/magic internal/owner internal/record internal/registry internal/claims internal/converge plots",
}

// programs stand above the table: they may import everything and read the clock.
var programs = []string{"cmd/vaelab", "bench/peer"}

// timed may read the clock and draw random numbers, too: which process trains a trial is no part of its results.
var timed = []string{"internal/owner"}

// owners are the only packages that know a library.
var owners = map[string]string{
	"gonum.org/v1/gonum/blas": "internal/tensor",
	"gopkg.in/yaml.v3":        "internal/sweep",
	"gonum.org/v1/plot":       "plots",
	"codeberg.org/go-pdf":     "plots",
	"github.com/spf13/cobra":  "cmd/vaelab",
	"github.com/parquet-go":   "internal/table",
}

// A goPackage is what go list says of it. Imports are those of its non-test files.
type goPackage struct {
	ImportPath, Dir  string
	Name, Doc        string
	GoFiles, Imports []string
}

// packages lists the project's packages by their path below the module.
func packages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,GoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	all := map[string]goPackage{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, "vaelab/")] = p
	}
}

func TestImports(t *testing.T) {
	all := packages(t)
	for path, p := range all {
		allowed, ok := imports[path]
		switch {
		case slices.Contains(programs, path):
			continue
		case !ok:
			t.Errorf("%s is not in the table", path)
			continue
		}
		want := strings.Fields(allowed)
		for _, i := range p.Imports {
			i, ours := strings.CutPrefix(i, "vaelab/")
			if ours && !slices.Contains(want, i) {
				t.Errorf("%s must not import %s", path, i)
			}
		}
		for _, i := range want {
			if !slices.Contains(p.Imports, "vaelab/"+i) {
				t.Errorf("%s does not import %s any more; the table says that it may", path, i)
			}
		}
	}
	for path := range imports {
		if _, ok := all[path]; !ok {
			t.Errorf("%s is in the table and does not exist", path)
		}
	}
	for library, owner := range owners {
		for path, p := range all {
			for _, i := range p.Imports {
				if (i == library || strings.HasPrefix(i, library+"/")) && path != owner {
					t.Errorf("%s imports %s; only %s may", path, i, owner)
				}
			}
		}
	}
}

// TestPackageDocs: each package says in one sentence what it does. make docs prints them.
func TestPackageDocs(t *testing.T) {
	for path, p := range packages(t) {
		begin := "Package " + p.Name + " "
		if p.Name == "main" {
			begin = "Command " + path[strings.LastIndex(path, "/")+1:] + " "
		}
		if !strings.HasPrefix(p.Doc, begin) || !strings.HasSuffix(p.Doc, ".") || len(p.Doc) < len(begin)+20 {
			t.Errorf("%s: the package comment begins %q; must be a sentence that begins %q", path, p.Doc, begin)
		}
	}
}

// TestNoClockNoGlobalRandomness: below the programs nothing but what is timed reads the time of day or a source of
// random numbers that it was not given, so a trial is what its settings and seed say.
func TestNoClockNoGlobalRandomness(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}
	given := []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}
	fset := token.NewFileSet()
	for path, p := range packages(t) {
		if slices.Contains(programs, path) || slices.Contains(timed, path) {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			library := map[string]string{} // name in this file -> path
			for _, i := range file.Imports {
				full, _ := strconv.Unquote(i.Path.Value)
				short := strings.TrimSuffix(full, "/v2")
				short = short[strings.LastIndex(short, "/")+1:]
				if i.Name != nil {
					short = i.Name.Name
				}
				library[short] = full
			}
			ast.Inspect(file, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := s.X.(*ast.Ident)
				if !ok {
					return true
				}
				at := filepath.Join(path, name) + ":" + strconv.Itoa(fset.Position(s.Pos()).Line)
				switch from := library[x.Name]; {
				case from == "time" && slices.Contains(clock, s.Sel.Name):
					t.Errorf("%s: time.%s outside the programs", at, s.Sel.Name)
				case strings.HasPrefix(from, "math/rand") && !slices.Contains(given, s.Sel.Name):
					t.Errorf("%s: rand.%s draws from the global source", at, s.Sel.Name)
				case from == "crypto/rand":
					t.Errorf("%s: crypto/rand cannot be repeated", at)
				}
				return true
			})
		}
	}
}
