package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files below a temporary directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const goFile = `// Copyright of somebody who is not to be quoted here at all.

// Package a holds things that are of use. It has no Other purpose than that one.
package a

// F returns the first of all things (if any). It calls g_1 and H for the rest of them.
// It doesn't fail, e.g. on an empty list of things!
//
//	Code is not a sentence that anybody wants here.
//
//   - A list is not one either, as it happens.
//
// See [Thing] for more of the same. Too short.
//
// This one leads up to some code as follows:
func F() {
	// A comment within a function is not a doc comment.
}

// thing is one of many things.
type Thing struct {
	// Field holds a number of things.
	Field int // A comment at the end of a line is none either.
}

// thing is one of many things.
var B int
`

func godoc(t *testing.T, dir string) Godoc {
	t.Helper()
	d, err := Sources.Get("godoc")
	if err != nil {
		t.Fatal(err)
	}
	c := d.(Godoc)
	c.Dir, c.Valid, c.Test, c.MinCount = dir, 1, 1, 1
	return c
}

func TestGodocSentences(t *testing.T) {
	dir := tree(t, map[string]string{
		"a/a.go":              goFile,
		"a/a.txt":             "// A text file is not read, whatever it says.\n",
		"a/testdata/t.go":     "// Package t is test data that nobody reads.\npackage t\n",
		"a/vendor/v/v.go":     "// Package v is somebody else's package of code.\npackage v\n",
		"b/a_test.go":         "// Package a holds things that are of use.\npackage a\n",
		"b/broken.go":         "// Package b is broken after this one sentence.\npackage b\nfunc {",
		"b/empty.go":          "",
		"c/testdata.go":       "// Package c is a file that is read after all.\npackage c\n",
		"c/binary.go":         "\x00\xff",
		"c/not/testdata2.txt": "",
	})
	prose := []string{
		"package a holds things that are of use .",
		"f returns the first of all things ( if any ) .",
		"it doesn't fail , e.g . on an empty list of things !",
		"thing is one of many things .",
		"field holds a number of things .",
		"package b is broken after this one sentence .",
		"package c is a file that is read after all .",
	}
	rest := []string{
		"it has no other purpose than that one .",
		"it calls g_1 and h for the rest of them .",
		"see thing for more of the same .",
	}
	for _, c := range []struct {
		prose bool
		want  []string
	}{{true, prose}, {false, slices.Concat(prose, rest)}} {
		g := godoc(t, dir)
		g.Prose = c.prose
		got, err := g.sentences(dir)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, words := range got {
			lines = append(lines, strings.Join(words, " "))
		}
		want := slices.Clone(c.want)
		slices.Sort(want)
		if slices.Sort(lines); !slices.Equal(lines, want) {
			t.Errorf("prose %v: got\n%s\nwant\n%s", c.prose, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestGodocSet(t *testing.T) {
	files := map[string]string{}
	for i := range 26 {
		name := string(rune('a' + i))
		files[name+".go"] = fmt.Sprintf("// Package %s is one of twenty-six packages.\npackage %s\n", name, name)
	}
	c := godoc(t, tree(t, files))
	c.Valid, c.Test = 3, 4
	set := load(t, c)
	if got, want := [3]int{len(set.Train.Seqs), len(set.Valid.Seqs), len(set.Test.Seqs)}, [3]int{19, 3, 4}; got != want {
		t.Errorf("splits of %v sentences, want %v", got, want)
	}
	if len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0].Error(), c.Dir) {
		t.Errorf("warnings %v, want one that names %s", set.Warnings, c.Dir)
	}
	if again := load(t, c); again.Digest != set.Digest {
		t.Errorf("the same settings gave %s and %s", set.Digest, again.Digest)
	}
	c.Seed++
	if other := load(t, c); other.Digest == set.Digest {
		t.Errorf("another seed gave the same digest")
	}
	c.Limit = 10
	if got := len(load(t, c).Train.Seqs); got != 3 {
		t.Errorf("limit 10 left %d to train on, want 3", got)
	}
}

func TestGodocErrors(t *testing.T) {
	dir := tree(t, map[string]string{"a.go": goFile})
	for name, c := range map[string]struct {
		change func(*Godoc)
		says   []string
	}{
		"too few":        {func(g *Godoc) { g.Valid = 100 }, []string{"5 sentences, and", "101", "lower"}},
		"no such dir":    {func(g *Godoc) { g.Dir += "/none" }, []string{"no such file", "set dir"}},
		"a file":         {func(g *Godoc) { g.Dir += "/a.go" }, []string{"a.go", "not a directory"}},
		"no Go here":     {func(g *Godoc) { g.Dir = t.TempDir() }, []string{"0 sentences"}},
		"words inverted": {func(g *Godoc) { g.MinWords = 50 }, []string{"min_words 50", "max_words 40"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := godoc(t, dir)
			c.change(&g)
			_, err := g.Load()
			wantError(t, err, append(c.says, "godoc")...)
		})
	}
	t.Run("go not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := godoc(t, "").Load()
		wantError(t, err, "install Go", "set dir")
	})
}
