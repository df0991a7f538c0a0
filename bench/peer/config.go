package main

import (
	"fmt"
	"math"
	"strings"
)

// The precisions of products. Parameters are float32 in both.
const (
	float32Products = "float32"
	bf16Products    = "bf16"
)

// A Config is one way to run one side. Each is tried.
type Config struct {
	Framework string   `json:"framework"`
	Name      string   `json:"name"`
	Precision string   `json:"precision"` // what it is asked for
	Args      []string `json:"args"`      // that ask its process for it
	// Like is the configuration that this one may turn out to be, because it only allows coarser products. What
	// they are is measured.
	Like string `json:"like,omitempty"`
}

// ourConfigs are ours; the first is what all others must agree with.
var ourConfigs = []Config{
	{Framework: "ours", Name: float32Products, Precision: float32Products},
	{Framework: "ours", Name: bf16Products, Precision: bf16Products, Args: []string{"-precision", bf16Products}},
}

// peerConfigs are the others', each framework's plain one first.
var peerConfigs = []Config{
	{Framework: "torch", Name: "eager", Precision: float32Products},
	{Framework: "torch", Name: "eager medium", Precision: float32Products, Args: []string{"--matmul", "medium"}, Like: "eager"},
	{Framework: "torch", Name: "compile", Precision: float32Products, Args: []string{"--compile"}},
	{Framework: "torch", Name: "compile medium", Precision: float32Products, Args: []string{"--compile", "--matmul", "medium"}, Like: "compile"},
	{Framework: "torch", Name: "eager bf16", Precision: bf16Products, Args: []string{"--autocast"}},
	{Framework: "torch", Name: "compile bf16", Precision: bf16Products, Args: []string{"--compile", "--autocast"}},
	{Framework: "jax", Name: "jit", Precision: float32Products},
}

func (c Config) String() string { return c.Framework + " " + c.Name }

// plain is true of a framework's first configuration. If that computes something else, its script is wrong.
func (c Config) plain() bool { return c.Precision == float32Products && len(c.Args) == 0 }

// Largest relative differences to our float32 that can be rounding. In float32 a wrong bias or gate order
// shows as a percent and more; in bf16 the losses say what they can.
const (
	lossTolerance = 1e-4
	gradTolerance = 1e-3
	bf16Tolerance = 1e-2
	// Of one product to float64: float32 has about 3e-7, bf16 2e-3. A loss is a mean of so many products that it may
	// hide which they are.
	productTolerance = 1e-5
)

// judge is the precision of which the check is, by its error, or an error if it is of other work.
func (c Config) judge(got, reference Check) (string, error) {
	near := func(tolerance float64) bool {
		return within(got.Loss, reference.Loss, tolerance) && within(got.Later, reference.Later, tolerance)
	}
	coarse := c.Like != "" && got.ProductError > productTolerance
	switch {
	case c.Precision == float32Products && !coarse && near(lossTolerance) && within(got.GradNorm, reference.GradNorm, gradTolerance):
		return float32Products, nil
	case (c.Precision == bf16Products || c.Like != "") && near(bf16Tolerance):
		return bf16Products, nil
	}
	return "", fmt.Errorf("both sides do not compute the same: %s", compared(got, reference))
}

// within is false if one of them is no number.
func within(a, b, tolerance float64) bool { return off(a, b) <= tolerance }

// off is the relative difference of a to b.
func off(a, b float64) float64 { return math.Abs(a-b) / math.Abs(b) }

func compared(got, reference Check) string {
	return fmt.Sprintf("loss %.6f here and %.6f there, gradient norm %.6f and %.6f, loss after %d steps %.6f and %.6f",
		reference.Loss, got.Loss, reference.GradNorm, got.GradNorm, checkSteps, reference.Later, got.Later)
}

// configsByName are those of the list, such as "eager,jit", or all.
func configsByName(list string) ([]Config, error) {
	if list == "" {
		return peerConfigs, nil
	}
	var out []Config
	var known []string
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		wanted[name] = true
	}
	for _, c := range peerConfigs {
		known = append(known, c.Name)
		if wanted[c.Name] {
			out = append(out, c)
		}
		delete(wanted, c.Name)
	}
	for name := range wanted {
		return nil, fmt.Errorf("-configs: unknown %q; known: %s", name, strings.Join(known, ", "))
	}
	return out, nil
}
