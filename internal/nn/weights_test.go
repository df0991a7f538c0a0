package nn

import (
	"fmt"
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

// fitting are parameters, and a file with their tensors.
func fitting() (*Params, *safetensors.File) {
	ps := &Params{}
	ps.New("encoder.lstm.weight", Constant(0.5), 2, 3)
	ps.New("encoder.linear.weight", Constant(0.5), 2, 3)
	ps.New("decoder.module.bias", Constant(0.5), 3)
	NewBatchNorm(ps, "encoder.mu_bn", 2, 1e-5, 0.1)
	return ps, &safetensors.File{Tensors: Tensors(ps.All(), "")}
}

// TestStripPrefix: what wraps a model is removed from the names, however deep, but only if all names have it and the model
// lacks it.
func TestStripPrefix(t *testing.T) {
	for _, c := range []struct{ add, except, want string }{
		{"", "", ""}, {"module.", "", "module."}, {"_orig_mod.", "", "_orig_mod."}, {"model.", "", "model."}, {"vae.net.", "", "vae.net."},
		{"module._orig_mod.model.", "", "module._orig_mod.model."}, {"encoder.", "", "encoder."}, {"module.", "decoder.module.bias", ""},
		{"a", "", ""}, {".", "", "."},
	} {
		ps, f := fitting()
		for i, x := range f.Tensors {
			if x.Name != c.except {
				f.Tensors[i].Name = c.add + x.Name
			}
		}
		if got := StripPrefix(f, ps.All()); got != c.want {
			t.Errorf("%q: stripped %q, want %q", c.add, got, c.want)
		}
		if err := LoadTensors(f, ps.All(), ""); (err == nil) != (c.add == c.want) {
			t.Errorf("%q: %v", c.add, err)
		}
	}
	ps, f := fitting()
	for i, x := range f.Tensors { // one is missing: the others are still recognised
		f.Tensors[i].Name = "module." + x.Name
	}
	f.Tensors = f.Tensors[1:]
	if got := StripPrefix(f, ps.All()); got != "module." {
		t.Errorf("with a tensor missing: stripped %q", got)
	}
	f.Tensors = []safetensors.Tensor{{Name: "x"}}
	if got := StripPrefix(f, ps.All()); got != "" || StripPrefix(&safetensors.File{}, ps.All()) != "" {
		t.Errorf("of a single name: stripped %q", got)
	}
}

// TestMisfits: what does not fit is listed a line each, ten at most and of every kind.
func TestMisfits(t *testing.T) {
	ps, f := fitting()
	f.Get("encoder.lstm.weight").Shape = []int{3, 2}
	f.Get("encoder.linear.weight").Shape = []int{6}
	f.Get("decoder.module.bias").Name = "decoder.b"
	err := CheckTensors(f, ps.All(), "")
	for _, want := range []string{
		"of 6 tensors, 2 have another shape, 1 are missing; 1 in the file are unexpected\n",
		"\n  wrong shape: encoder.lstm.weight is [3 2], and must be [2 3]; its transpose fits",
		"\n  wrong shape: encoder.linear.weight is [6], and must be [2 3]\n",
		"\n  missing: decoder.module.bias, shape [3]\n", "\n  unexpected: decoder.b, shape [3]",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nhas no %q", err, want)
		}
	}
	for i := range f.Tensors[2:] {
		f.Tensors[2+i].Name = fmt.Sprint("other.", i)
	}
	for i := range 20 {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: fmt.Sprint("more.", i)})
	}
	lines := strings.Split(CheckTensors(f, ps.All(), "").Error(), "\n")
	n := map[string]int{}
	for _, l := range lines[1:] {
		kind, _, _ := strings.Cut(strings.TrimSpace(l), " ")
		n[kind]++
	}
	if len(lines) != 12 || n["wrong"] != 2 || n["missing:"] != 4 || n["unexpected:"] != 4 || lines[11] != "  and 20 more" {
		t.Errorf("%d lines, %v:\n%s", len(lines), n, strings.Join(lines, "\n"))
	}
}
