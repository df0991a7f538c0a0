package safetensors

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// The lines of Python that convert weights. The first %q is the file, the second the one to write. Contiguous copies are
// saved, because safetensors refuses tensors that share memory, as tied weights do.
const (
	fromTorch  = `import torch; from safetensors.torch import save_file; save_file({k: v.contiguous().clone() for k, v in torch.load(%q, map_location="cpu", weights_only=True).items()}, %q)`
	fromPickle = `import pickle; from safetensors.numpy import save_file; save_file(pickle.load(open(%q, "rb")), %q)`
	fromNumpy  = `import numpy; from safetensors.numpy import save_file; save_file(dict(numpy.load(%q)), %q)`
	fromHDF5   = `import h5py; from safetensors.numpy import save_file; d = {}; h5py.File(%q).visititems(lambda k, v: d.update({k.replace("/", "."): v[()]}) if hasattr(v, "shape") else None); save_file(d, %q)`
)

// inCheckpoint is for files of PyTorch, which often hold more than weights.
const inCheckpoint = `if the file holds more than weights, take them out: torch.load(...)["state_dict"]`

// foreign returns an error that names a file of weights in another format and says how it becomes safetensors, and nil if the
// beginning of the file is none. What is no weights at all is left to package magic.
func foreign(path string, head []byte) error {
	convert := func(what, line string, hints ...string) error {
		to := strings.TrimSuffix(path, filepath.Ext(path)) + ".safetensors"
		text := fmt.Sprintf("%s: is %s, and must be safetensors; this line of Python converts it:\n  ", path, what) + fmt.Sprintf(line, path, to)
		for _, h := range hints {
			text += "\n" + h
		}
		return fmt.Errorf("%s", text)
	}
	instead := func(what, remedy string) error {
		return fmt.Errorf("%s: is %s, and must be safetensors; %s", path, what, remedy)
	}
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case begins("PK\x03\x04") && bytes.Contains(head, []byte(".npy")):
		return convert("an archive of NumPy arrays (npz)", fromNumpy)
	case begins("PK\x03\x04") && bytes.Contains(head, []byte("data.pkl")):
		return convert("a PyTorch checkpoint (zip)", fromTorch, inCheckpoint)
	case begins("PK\x03\x04"):
		return convert("a zip archive, perhaps a PyTorch checkpoint", fromTorch, inCheckpoint)
	case begins("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46"): // pickle of torch's magic number 0x1950a86a20f9469cfc6c
		return convert("a PyTorch checkpoint of the old form (pickle)", fromTorch, inCheckpoint)
	case len(head) > 1 && head[0] == 0x80 && 2 <= head[1] && head[1] <= 5 && !isJSON(head):
		return convert("a Python pickle", fromPickle, "a pickle can run any program when it is loaded: convert only what you trust")
	case begins("\x89HDF\r\n\x1a\n"):
		return convert("an HDF5 file", fromHDF5, "names and layouts must be those of the PyTorch model; Keras has others")
	case begins("\x93NUMPY"):
		return instead("a single NumPy array", "weights are many arrays with names: save them with safetensors.numpy.save_file")
	case begins("GGUF"):
		return instead("a GGUF file", "its weights are those of a language model")
	case begins("{") && (bytes.Contains(head, []byte(`"weight_map"`)) || strings.HasSuffix(path, ".index.json")):
		return instead("the index of weights in several files", "join those into one: load each with safetensors.torch.load_file and save the union of the dictionaries")
	}
	return nil
}

// isJSON tells whether a header follows the first eight bytes, as in safetensors.
func isJSON(head []byte) bool { return len(head) > 8 && head[8] == '{' }
