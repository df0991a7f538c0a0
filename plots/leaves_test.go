package plots

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"
)

// TestFiguresAreLeaves: no file refers to what the file of a figure declares, so that a figure can be read, changed and
// removed alone. What several figures need is in projections.go, steps.go, captions.go, limits.go or below.
func TestFiguresAreLeaves(t *testing.T) {
	fset := token.NewFileSet()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	figures := map[string]bool{} // files that add one
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			figures[path] = figures[path] || ok && types.ExprString(call.Fun) == "Figures.Add"
			return true
		})
	}
	uses := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	imports := types.Config{Error: func(error) {}} // of packages that are not loaded; names of this one are found all the same
	own, _ := imports.Check("plots", fset, files, uses)
	leaves := 0
	for _, is := range figures {
		if is {
			leaves++
		}
	}
	if leaves != len(Figures.Names()) {
		t.Errorf("%d files of figures for %d figures", leaves, len(Figures.Names()))
	}
	for name, object := range uses.Uses {
		from, to := fset.Position(name.Pos()), fset.Position(object.Pos())
		if object.Pkg() == own && figures[to.Filename] && from.Filename != to.Filename {
			t.Errorf("%v: %s is of the figure in %s; move it to projections.go if several figures need it", from, name.Name, to.Filename)
		}
	}
}
