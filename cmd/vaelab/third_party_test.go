package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "renew THIRD_PARTY, variants/cost.csv, docs/leaderboard.md")

// A linked module is one that has packages in the program.
type linked struct {
	path, version, dir string
	packages           []string // folders of the packages, and of the files that they embed
}

// modules are those linked into the program for an operating system.
func modules(t *testing.T, system string) map[string]*linked {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,EmbedFiles,Module", "./cmd/vaelab")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOOS="+system)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	all := map[string]*linked{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir        string
			EmbedFiles []string
			Module     *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		m := all[p.Module.Path]
		if m == nil {
			m = &linked{path: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir}
			all[m.path] = m
		}
		m.packages = append(m.packages, p.Dir)
		for _, f := range p.EmbedFiles {
			m.packages = append(m.packages, filepath.Dir(filepath.Join(p.Dir, f)))
		}
	}
}

// licences are the licence files of a module, by their path in it: those in its root and in every folder from there to
// a linked package, those in the folders where some modules gather them, and the one of the Go fonts.
func (m *linked) licences(t *testing.T) map[string]string {
	t.Helper()
	name := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|unlicense|patents)`)
	folders := []string{m.dir}
	for _, dir := range m.packages {
		for ; len(dir) > len(m.dir); dir = filepath.Dir(dir) {
			folders = append(folders, dir)
		}
	}
	var files []string
	for _, dir := range folders {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() && name.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	// Freetype may be had under the GPL, too; the FreeType License is chosen.
	for _, more := range []string{"THIRD_PARTY_LICENSES/*", "licenses/ftl.txt", "font/gofont/ttfs/README"} {
		found, err := filepath.Glob(filepath.Join(m.dir, more))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	texts := map[string]string{}
	for _, file := range files {
		path, err := filepath.Rel(m.dir, file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(read(t, file), "\r\n", "\n")
		if !utf8.ValidString(text) { // Latin-1
			var s strings.Builder
			for _, c := range []byte(text) {
				s.WriteRune(rune(c))
			}
			text = s.String()
		}
		texts[filepath.ToSlash(path)] = strings.TrimSpace(text)
	}
	if len(texts) == 0 {
		t.Errorf("%s: no licence file found", m.path)
	}
	return texts
}

// notice is a module's part of THIRD_PARTY.
func (m *linked) notice(t *testing.T) string {
	t.Helper()
	var s strings.Builder
	texts := m.licences(t)
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&s, "%s\n%s %s, %s\n\n%s\n\n", strings.Repeat("=", 80), m.path, m.version, path, texts[path])
	}
	return s.String()
}

// TestThirdParty: THIRD_PARTY has the licence texts of every module in the program, and vaelab version --licenses
// prints it. With -update it is written, for three operating systems.
func TestThirdParty(t *testing.T) {
	if *update {
		all := map[string]*linked{}
		for _, system := range []string{"linux", "darwin", "windows"} {
			for path, m := range modules(t, system) {
				if all[path] == nil {
					all[path] = m
				}
				all[path].packages = append(all[path].packages, m.packages...)
			}
		}
		goroot, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			t.Fatal(err)
		}
		library := linked{path: "Go standard library and runtime", dir: strings.TrimSpace(string(goroot))}
		var s strings.Builder
		s.WriteString("Licences of the software that is linked into vaelab. No licence has been chosen yet for vaelab itself.\n\n")
		s.WriteString(strings.ReplaceAll(library.notice(t), " ,", ","))
		for _, path := range slices.Sorted(maps.Keys(all)) {
			s.WriteString(all[path].notice(t))
		}
		thirdParty = strings.TrimSpace(s.String()) + "\n"
		write(t, "THIRD_PARTY", thirdParty)
	}
	if got := succeeds(t, "version", "--licenses").out; got != thirdParty {
		t.Error("version --licenses prints something else")
	}
	here := modules(t, "")
	for _, m := range here {
		if !strings.Contains(thirdParty+"\n", m.notice(t)) {
			t.Errorf("THIRD_PARTY lacks the licences of %s %s; make third-party", m.path, m.version)
		}
	}
	if len(here) < 10 || !strings.Contains(thirdParty, "\nGo standard library and runtime, LICENSE\n") {
		t.Errorf("%d modules found", len(here))
	}
}
