package sweep

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/registry"
)

// extendedLine is where the lines of an extended file begin, so that each node tells which of two files it stands in. A file
// has fewer lines than that, since it has at most maxBytes.
const extendedLine = 1 << 24

// notInherited are the keys that a file does not take over from the one that it extends: they are about one file.
var notInherited = []string{"experiment", "frozen", "extends"}

// extend returns the keys of a file laid over those of the file that its key extends names: base and converged key by
// key, as an entry of the grid is laid over base, any other as a whole. Without that key it returns root. The error is
// a fault.
func (r *reader) extend(root *yaml.Node) (*yaml.Node, error) {
	at := get(root, "extends")
	if at == nil {
		return root, nil
	}
	if at.Kind != yaml.ScalarNode || at.Value == "" || isNull(at) {
		return nil, r.cannotExtend(at, "must be the path of a YAML file, got %s", describe(at))
	}
	r.extended = relativeTo(r.file, at.Value)
	below, err := r.extendable(at)
	if err != nil {
		return nil, err
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: root.Line, Column: root.Column}
	for _, kv := range r.pairs(below, "") {
		key, value := kv[0], kv[1]
		over := get(root, key.Value)
		switch {
		case contains(notInherited, key.Value):
		case (key.Value == "seeds" || key.Value == "seed") && (get(root, "seeds") != nil || get(root, "seed") != nil):
		case key.Value == "base":
			if r.pairs(value, "base"); over != nil && value.Kind == yaml.MappingNode {
				value = merge(r.rename(value, ""), r.rename(over, ""), top)
			}
			out.Content = append(out.Content, key, value)
		case key.Value == "converged" && over != nil:
			out.Content = append(out.Content, key, merge(value, over, ""))
		case over == nil:
			out.Content = append(out.Content, key, value)
		}
	}
	for _, kv := range r.pairs(root, "") {
		if key := kv[0]; key.Value != "extends" && get(out, key.Value) == nil {
			out.Content = append(out.Content, key, kv[1])
		}
	}
	return out, nil
}

// cannotExtend is the fault of the key extends.
func (r *reader) cannotExtend(at *yaml.Node, format string, args ...any) error {
	return Faults{r.place(at) + ": extends: " + fmt.Sprintf(format, args...)}
}

// relativeTo is a path as a file says it that is relative to the file's own folder.
func relativeTo(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// extendable reads the extended file, which must not extend another: one level is easy to follow.
func (r *reader) extendable(at *yaml.Node) (*yaml.Node, error) {
	info, err := os.Stat(r.extended)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, r.cannotExtend(at, "%s: no such file%s", r.extended, nearestIn(filepath.Dir(r.extended), filepath.Base(r.extended)))
	case err != nil:
		return nil, r.cannotExtend(at, "%v", err)
	case info.IsDir():
		return nil, r.cannotExtend(at, "%s: is a folder; must be a YAML file", r.extended)
	case !info.Mode().IsRegular(): // reading it could wait for ever
		return nil, r.cannotExtend(at, "%s: is no regular file; must be a YAML file", r.extended)
	case sameFile(r.file, info):
		return nil, r.cannotExtend(at, "the file extends itself; name another file")
	}
	text, err := readText(r.extended)
	if err != nil {
		return nil, r.cannotExtend(at, "%v", err)
	}
	root, err := parseYAML(r.extended, text)
	if err != nil {
		return nil, err
	}
	toExtended(root)
	if root.Kind != yaml.MappingNode && root.Kind != yaml.AliasNode {
		return nil, Faults{fmt.Sprintf("%s: a file that is extended must be keys and values such as base and grid, got %s", r.place(root), describe(root))}
	}
	if root = r.plain(root, ""); root == nil {
		return nil, Faults(r.faults)
	}
	if next := get(root, "extends"); next != nil {
		if info, err := os.Stat(relativeTo(r.extended, next.Value)); err == nil && sameFile(r.file, info) {
			return nil, r.cannotExtend(next, "%s and %s extend each other; leave the line out of one of them", r.file, r.extended)
		}
		return nil, r.cannotExtend(next, "a file that is extended must not extend another; copy the keys of %s into this file", next.Value)
	}
	return root, nil
}

// sameFile tells whether a path leads to a file.
func sameFile(path string, file fs.FileInfo) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, file)
}

// nearestIn asks whether another file of a folder was meant.
func nearestIn(folder, name string) string {
	entries, _ := os.ReadDir(folder)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if near := registry.Nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// readText reads an experiment file, which is not large.
func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("%s: the file is larger than %d MiB; an experiment is a few lines of YAML", path, maxBytes>>20)
	}
	return text, err
}

// toExtended moves a node and all below it to the lines of the extended file.
func toExtended(n *yaml.Node) {
	n.Line += extendedLine
	for _, c := range n.Content {
		toExtended(c)
	}
}

// Resolved returns what the experiment's file and the one that it extends say together, as YAML, each key with the file or
// files that say it. Comments, claims and notes are left out; --set and --seeds are not in it.
func (e *Experiment) Resolved() (string, error) {
	out := mapping()
	for i := 0; i+1 < len(e.from.root.Content); i += 2 {
		if name := e.from.root.Content[i].Value; name == "claims" || name == "notes" {
			continue
		}
		key, err := e.from.absolute(e.from.root.Content[i], false)
		if err != nil {
			return "", err
		}
		value, err := e.from.absolute(e.from.root.Content[i+1], false)
		if err != nil {
			return "", err
		}
		key.HeadComment = "# " + e.saidIn(e.from.root.Content[i+1])
		out.Content = append(out.Content, key, value)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(out); err != nil {
		return "", err
	}
	return b.String(), enc.Close()
}

// saidIn names the files that a node and all below it stand in.
func (e *Experiment) saidIn(n *yaml.Node) string {
	own, extended := false, false
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		if len(n.Content) == 0 { // where a mapping itself stands says nothing of its keys
			own, extended = own || n.Line < extendedLine, extended || n.Line >= extendedLine
		}
		for _, c := range n.Content {
			look(c)
		}
	}
	look(n)
	var files []string
	if extended {
		files = append(files, e.Extends)
	}
	if own {
		files = append(files, e.file)
	}
	return strings.Join(files, " and ")
}
