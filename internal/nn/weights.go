package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"vaelab/internal/safetensors"
	"vaelab/internal/tensor"
)

// ErrMisfit says that weights are not those of the model: names or shapes differ.
var ErrMisfit = errors.New("the weights do not fit the model")

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
// Where CheckTensors finds a fault it changes nothing.
func LoadTensors(f *safetensors.File, params []*Param, prefix string) error {
	if err := CheckTensors(f, params, prefix); err != nil {
		return err
	}
	for _, p := range params {
		for j, x := range f.Get(prefix + p.Name).Data {
			p.Data[j] = Float(x)
		}
	}
	return nil
}

// CheckTensors says all that is wrong with the tensors of a file whose names begin with prefix: a parameter that finds no
// tensor of its shape, a tensor without a parameter, and numbers that are not finite, or negative where they are
// variances.
func CheckTensors(f *safetensors.File, params []*Param, prefix string) error {
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
		return fmt.Errorf("%w: %s", ErrMisfit, strings.Join(faults, "; "))
	}
	for _, p := range params {
		if fault := p.unusable(f.Get(prefix + p.Name).Data); fault != "" {
			faults = append(faults, fault)
		}
	}
	if faults != nil {
		return fmt.Errorf("the weights cannot be used: %s; save them anew from a model that has not diverged", strings.Join(faults, "; "))
	}
	return nil
}

// unusable says which numbers cannot be the parameter's, "" if all can: those that are not finite in the engine's
// precision, and variances below 0.
func (p *Param) unusable(data []float64) string {
	n, first := 0, 0
	for j, x := range data {
		if v := float64(Float(x)); math.IsNaN(v) || math.IsInf(v, 0) || p.variance && v < 0 {
			if n == 0 {
				first = j
			}
			n++
		}
	}
	if n == 0 {
		return ""
	}
	place := "" // as PyTorch writes it: [2, 0]
	for rest, k := first, len(p.Shape)-1; k >= 0; k-- {
		place = fmt.Sprintf(", %d", rest%p.Shape[k]) + place
		rest /= p.Shape[k]
	}
	if place != "" {
		place = "[" + place[2:] + "]"
	}
	what := "not finite"
	if p.variance {
		what += ", or negative"
	}
	return fmt.Sprintf("%s%s is %v (%d of %d numbers there are %s)", p.Name, place, data[first], n, len(data), what)
}
