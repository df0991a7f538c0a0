package nn

import (
	"fmt"
	"slices"
	"strings"

	"vaelab/internal/safetensors"
	"vaelab/internal/tensor"
)

// Tensors returns copies of parameters for a safetensors file, each name with a prefix.
func Tensors(params []*Param, prefix string) []safetensors.Tensor {
	out := make([]safetensors.Tensor, len(params))
	for i, p := range params {
		t := safetensors.Tensor{Name: prefix + p.Name, DType: fmt.Sprintf("F%d", tensor.Bits), Shape: p.Shape}
		if p.Int {
			t.DType = "I64"
		}
		t.Data = make([]float64, len(p.Data))
		for j, x := range p.Data {
			t.Data[j] = float64(x)
		}
		out[i] = t
	}
	return out
}

// LoadTensors copies the tensors of a file whose names begin with prefix into parameters.
// Unless every parameter finds a tensor of its shape, and every tensor of that prefix a
// parameter, it changes nothing and says all that is wrong.
func LoadTensors(f *safetensors.File, params []*Param, prefix string) error {
	var faults []string
	wanted := map[string]bool{}
	for _, p := range params {
		wanted[prefix+p.Name] = true
		switch t := f.Get(prefix + p.Name); {
		case t == nil:
			faults = append(faults, p.Name+" is missing")
		case !slices.Equal(t.Shape, p.Shape):
			faults = append(faults, fmt.Sprintf("%s has shape %v, the model wants %v", p.Name, t.Shape, p.Shape))
		}
	}
	for _, t := range f.Tensors {
		if strings.HasPrefix(t.Name, prefix) && !wanted[t.Name] {
			faults = append(faults, strings.TrimPrefix(t.Name, prefix)+" has no place in the model")
		}
	}
	if faults != nil {
		return fmt.Errorf("the weights do not fit the model: %s", strings.Join(faults, "; "))
	}
	for _, p := range params {
		for j, x := range f.Get(prefix + p.Name).Data {
			p.Data[j] = Float(x)
		}
	}
	return nil
}
