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
		{full, Check{100.005, 10.005, 90.005}, float32Products},
		{full, Check{100.5, 10, 90}, ""},
		{full, Check{100, 10.05, 90}, ""},
		{full, Check{100, 10, 90.5}, ""},
		{full, Check{math.NaN(), 10, 90}, ""},
		{medium, Check{100.005, 10.005, 90.005}, float32Products},
		{medium, Check{100.5, 10.05, 90.5}, bf16Products},
		{medium, Check{102, 10, 90}, ""},
		{bf16, reference, bf16Products},
		{bf16, Check{100.5, 11, 90.5}, bf16Products},
		{bf16, Check{100, 10, 92}, ""},
		{bf16, Check{100, 10, math.Inf(1)}, ""},
	} {
		if got, err := c.config.judge(c.got, reference); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v, %+v: %q, %v; want %q", c.config, c.got, got, err, c.want)
		}
	}
}
