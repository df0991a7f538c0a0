package main

import (
	"math"
	"testing"
)

// TestJudge: a configuration has the precision of its error, and other work is no precision.
func TestJudge(t *testing.T) {
	reference := Check{Loss: 100, GradNorm: 10, Later: 90}
	full := Config{Precision: float32Products}
	medium := Config{Precision: float32Products, Like: "eager"}
	bf16 := Config{Precision: bf16Products}
	for _, c := range []struct {
		config Config
		got    Check
		want   string
	}{
		{full, Check{Loss: 100.005, GradNorm: 10.005, Later: 90.005}, float32Products},
		{full, Check{Loss: 100.5, GradNorm: 10, Later: 90}, ""},
		{full, Check{Loss: 100, GradNorm: 10.05, Later: 90}, ""},
		{full, Check{Loss: 100, GradNorm: 10, Later: 90.5}, ""},
		{full, Check{Loss: math.NaN(), GradNorm: 10, Later: 90}, ""},
		{medium, Check{Loss: 100.005, GradNorm: 10.005, Later: 90.005}, float32Products},
		{medium, Check{Loss: 100.5, GradNorm: 10.05, Later: 90.5}, bf16Products},
		{medium, Check{Loss: 100.005, GradNorm: 10.005, Later: 90.005, ProductError: 3e-7}, float32Products},
		{medium, Check{Loss: 100.005, GradNorm: 10.005, Later: 90.005, ProductError: 2e-3}, bf16Products},
		{medium, Check{Loss: 102, GradNorm: 10, Later: 90}, ""},
		{bf16, reference, bf16Products},
		{bf16, Check{Loss: 100.5, GradNorm: 11, Later: 90.5}, bf16Products},
		{bf16, Check{Loss: 100, GradNorm: 10, Later: 92}, ""},
		{bf16, Check{Loss: 100, GradNorm: 10, Later: math.Inf(1)}, ""},
	} {
		if got, err := c.config.judge(c.got, reference); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v, %+v: %q, %v; want %q", c.config, c.got, got, err, c.want)
		}
	}
}
