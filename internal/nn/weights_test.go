package nn

import (
	"math"
	"strings"
	"testing"

	"vaelab/internal/safetensors"
)

// TestUnusableWeights are refused with the tensor's name and the number's place, and change nothing: what is not
// finite, what is not in the engine's precision, and a running variance below 0.
func TestUnusableWeights(t *testing.T) {
	model := func() *Params {
		ps := &Params{}
		ps.New("encoder.weight", Constant(0.5), 2, 3)
		NewBatchNorm(ps, "encoder.mu_bn", 2, 1e-5, 0.1)
		NewBatchRMS(ps, "encoder.rms", 2, 1e-5, 0.1)
		return ps
	}
	for _, c := range []struct {
		tensor string
		at     int
		value  float64
		says   string // "" if it is a weight like any other
	}{
		{"encoder.weight", 4, math.NaN(), "encoder.weight[1, 1] is NaN (1 of 6 numbers there are not finite)"},
		{"encoder.weight", 0, math.Inf(-1), "encoder.weight[0, 0] is -Inf"},
		{"encoder.weight", 5, math.Inf(1), "encoder.weight[1, 2] is +Inf"},
		{"encoder.weight", 5, -7, ""},
		{"encoder.mu_bn.running_mean", 1, math.NaN(), "encoder.mu_bn.running_mean[1] is NaN"},
		{"encoder.mu_bn.running_mean", 1, -3, ""},
		{"encoder.mu_bn.running_var", 1, math.NaN(), "encoder.mu_bn.running_var[1] is NaN"},
		{"encoder.mu_bn.running_var", 0, -1e-3, "encoder.mu_bn.running_var[0] is -0.001 (1 of 2 numbers there are not finite, or negative)"},
		{"encoder.mu_bn.running_var", 0, 0, ""},
		{"encoder.rms.running_ms", 1, -1, "encoder.rms.running_ms[1] is -1"},
	} {
		ps := model()
		f := &safetensors.File{Tensors: Tensors(ps.All(), "p/")}
		f.Get("p/encoder.weight").Data[3] = 0.25
		f.Get("p/" + c.tensor).Data[c.at] = c.value
		err := LoadTensors(f, ps.All(), "p/")
		loaded := ps.Get("encoder.weight").Data[3] == 0.25
		if (err == nil) != (c.says == "") || loaded != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s[%d] = %v: %v, loaded %t; want %q", c.tensor, c.at, c.value, err, loaded, c.says)
		}
	}
	if large := 1e300; math.IsInf(float64(Float(large)), 0) { // in float32
		ps := model()
		f := &safetensors.File{Tensors: Tensors(ps.All(), "")}
		f.Get("encoder.weight").Data[0] = large
		if err := LoadTensors(f, ps.All(), ""); err == nil || !strings.Contains(err.Error(), "encoder.weight[0, 0] is 1e+300") {
			t.Errorf("1e300: %v", err)
		}
	}
}
