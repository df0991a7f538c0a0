package nn

import (
	"strings"

	"vaelab/internal/safetensors"
)

// StripPrefix removes from the names of a file's tensors the prefix that all of them share, if the parameters lack it, and
// returns it. A model within another saves its tensors so: module. is of PyTorch's DataParallel, _orig_mod. of its
// compiler, model. of many programs. Of several depths (module.model.) it removes the one that makes most names fit,
// and nothing if none makes more fit.
func StripPrefix(f *safetensors.File, params []*Param) string {
	if len(f.Tensors) == 0 {
		return ""
	}
	wanted := map[string]bool{}
	for _, p := range params {
		wanted[p.Name] = true
	}
	shared := f.Tensors[0].Name
	for _, t := range f.Tensors {
		for !strings.HasPrefix(t.Name, shared) {
			shared = shared[:strings.LastIndexByte(shared[:len(shared)-1], '.')+1]
		}
	}
	shared = shared[:strings.LastIndexByte(shared, '.')+1] // of a single tensor
	fit := func(prefix string) (n int) {
		for _, t := range f.Tensors {
			if wanted[t.Name[len(prefix):]] {
				n++
			}
		}
		return n
	}
	best, most := "", fit("")
	for i, c := range shared {
		if c == '.' {
			if n := fit(shared[:i+1]); n > most {
				best, most = shared[:i+1], n
			}
		}
	}
	for i := range f.Tensors {
		f.Tensors[i].Name = f.Tensors[i].Name[len(best):]
	}
	return best
}
