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
// If CheckTensors returns an error, nothing is changed.
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
	if err := misfit(f, params, prefix); err != nil {
		return err
	}
	var faults []string
	for _, p := range params {
		if fault := p.unusable(f.Get(prefix + p.Name).Data); fault != "" {
			faults = append(faults, fault)
		}
	}
	if faults != nil {
		return fmt.Errorf("the weights cannot be used: %s; save weights of a model that has not diverged", strings.Join(faults, "; "))
	}
	return nil
}

// misfits is how many tensors that do not fit are listed.
const misfits = 10

// misfit returns an ErrMisfit that lists the tensors of a file that do not fit the parameters, a line each, some of each kind
// if there are many; nil if all fit.
func misfit(f *safetensors.File, params []*Param, prefix string) error {
	var shapes, missing, unexpected []string
	wanted := map[string]bool{}
	for _, p := range params {
		wanted[prefix+p.Name] = true
		switch t := f.Get(prefix + p.Name); {
		case t == nil:
			missing = append(missing, fmt.Sprintf("missing: %s, shape %v", p.Name, p.Shape))
		case !slices.Equal(t.Shape, p.Shape):
			shapes = append(shapes, fmt.Sprintf("wrong shape: %s is %v, and must be %v%s", p.Name, t.Shape, p.Shape, turned(t.Shape, p.Shape)))
		}
	}
	for _, t := range f.Tensors {
		if name, ok := strings.CutPrefix(t.Name, prefix); ok && !wanted[t.Name] {
			unexpected = append(unexpected, fmt.Sprintf("unexpected: %s, shape %v", name, t.Shape))
		}
	}
	all := len(shapes) + len(missing) + len(unexpected)
	if all == 0 {
		return nil
	}
	kinds, listed := [][]string{shapes, missing, unexpected}, [3]int{}
	for left := min(misfits, all); left > 0; {
		for i := range kinds {
			if left > 0 && listed[i] < len(kinds[i]) {
				listed[i]++
				left--
			}
		}
	}
	var lines []string
	for i, n := range listed {
		lines = append(lines, kinds[i][:n]...)
	}
	if more := all - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%w: of %d tensors, %d have another shape, %d are missing; %d in the file are unexpected\n  %s",
		ErrMisfit, len(params), len(shapes), len(missing), len(unexpected), strings.Join(lines, "\n  "))
}

// turned is what to do about a matrix whose transpose would fit, "" for any other shape.
func turned(is, be []int) string {
	if len(is) == 2 && len(be) == 2 && is[0] == be[1] && is[1] == be[0] {
		return "; its transpose fits: save x.T.contiguous()"
	}
	return ""
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
