package folder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes folders, files and links in an empty folder: "a/", "a/b", "a/c -> ../d".
func tree(t *testing.T, paths ...string) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, p := range paths {
		p, to, link := strings.Cut(p, " -> ")
		full := filepath.Join(root, filepath.FromSlash(p))
		err := os.MkdirAll(filepath.Dir(full), 0o777)
		switch {
		case err != nil:
		case link:
			err = os.Symlink(filepath.FromSlash(to), full)
		case strings.HasSuffix(p, "/"):
			err = os.MkdirAll(full, 0o777)
		default:
			err = os.WriteFile(full, nil, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		paths []string
		root  string
		want  string
	}{
		{"no links", []string{"r/b/x", "r/a/z", "r/a.go", "r/a/y/w", "r/empty/"}, "r", "a/y/w a/z a.go b/x"},
		{"a file linked", []string{"r/a -> ../x", "x"}, "r", "a"},
		{"a link that leads nowhere", []string{"r/a -> nowhere", "r/b"}, "r", "a b"},
		{"a folder linked from outside", []string{"r/a -> ../far", "far/x", "r/b"}, "r", "a/x b"},
		{"reached twice: its own path counts", []string{"r/a -> z", "r/z/x"}, "r", "z/x"},
		{"reached twice by links", []string{"r/a -> ../far", "r/b -> ../far", "far/x"}, "r", "a/x"},
		{"a link within a linked folder", []string{"r/a -> ../far", "far/b -> ../further", "further/x"}, "r", "a/b/x"},
		{"a loop through the root", []string{"r/a -> .", "r/x"}, "r", "x"},
		{"a loop above the root", []string{"r/a -> ..", "r/x", "other"}, "r", "x"},
		{"a loop of two", []string{"r/a/b -> ../../far", "far/c -> ../r/a", "far/x"}, "r", "a/b/x"},
		{"a link to itself", []string{"r/a -> a", "r/x"}, "r", "a x"},
		{"the root is a link", []string{"link -> r", "r/x"}, "link", "x"},
		{"a hidden folder", []string{"r/.git/x", "r/y"}, "r", "y"},
	} {
		root := filepath.Join(tree(t, c.paths...), c.root)
		files, err := Files(root, func(dir string) bool { return !strings.HasPrefix(filepath.Base(dir), ".") })
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for i := range files {
			below, err := filepath.Rel(root, files[i])
			if err != nil {
				t.Fatal(err)
			}
			files[i] = filepath.ToSlash(below)
		}
		if got := strings.Join(files, " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if _, err := Files(filepath.Join(t.TempDir(), "none"), func(string) bool { return true }); !os.IsNotExist(err) {
		t.Errorf("no root: %v", err)
	}
}

// TestOrder: without links the order is that of filepath.WalkDir.
func TestOrder(t *testing.T) {
	root := tree(t, "a.b/x", "a/x", "a-b/x", "a/b.c", "a/b/c", "b", "B", "a b/x", "ä/x", "_/x")
	var want []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			want = append(want, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Files(root, func(string) bool { return true }); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}
