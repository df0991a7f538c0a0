package metrics

import (
	"encoding/json"
	"math"
	"testing"
)

// TestMonitor follows made trainings; each reading stands with the state it must lead to.
func TestMonitor(t *testing.T) {
	type seen struct {
		Reading
		want State
	}
	nan := math.NaN()
	for name, rows := range map[string][]seen{
		"healthy": {
			{Reading{3, 2, 4, 0}, Healthy}, {Reading{5, 4, 8, 0}, Healthy}, {Reading{4.5, 4, 9, 0}, Healthy},
		},
		"a vanilla VAE with a strong decoder": {
			{Reading{3.5, 2, 3, 0}, Healthy}, {Reading{2.5, 1.8, 2, 0}, Healthy},
			{Reading{1.2, 0.9, 1, 0}, Collapsing}, {Reading{0.3, 0.2, 0.2, 0}, Collapsing},
			{Reading{0.05, 0.04, 0.03, 0}, Collapsed}, {Reading{0.15, 0.1, 0.05, 0}, Collapsed}, // within twice the threshold
			{Reading{0.4, 0.3, 0.3, 0}, Healthy}, // and back
		},
		"collapsed from the start":             {{Reading{0.01, 0.01, 0, 0}, Collapsed}, {Reading{0.001, 0, 0, 0}, Collapsed}},
		"one posterior for all, off the prior": {{Reading{0.8, 0.001, 0, 0}, Collapsed}},
		"bn whose decoder reads z": {
			{Reading{4.2, 3.5, 6, 4}, Healthy}, {Reading{4.1, 3.6, 7, 4}, Healthy},
		},
		"bn whose decoder ignores z": {
			{Reading{6, 3.5, 0.4, 4}, Healthy}, {Reading{5, 3.4, 0.1, 4}, Collapsing}, // the rate above the floor goes
			{Reading{4.2, 3.5, 0.05, 4}, IgnoresZ}, {Reading{4.1, 3.5, 0.01, 4}, IgnoresZ},
		},
		"free bits: the KL stands without a declared floor": {
			{Reading{4, 3, 3, 0}, Healthy}, {Reading{4, 3, 0.1, 0}, IgnoresZ},
		},
		"annealing: the KL falls and the decoder uses ever more": {
			{Reading{40, 6, 5, 0}, Healthy}, {Reading{15, 6, 9, 0}, Healthy}, {Reading{8, 6, 9, 0}, Healthy},
		},
		"no gap known": {{Reading{3, 2, nan, 0}, Healthy}, {Reading{1, 0.5, nan, 0}, Healthy}, {Reading{0.01, 0.01, nan, 0}, Collapsed}},
	} {
		var m Monitor
		for i, r := range rows {
			m = m.Next(10*(i+1), r.Reading)
			if m.State != r.want {
				t.Errorf("%s: evaluation %d is %v, want %v", name, i+1, m.State, r.want)
			}
		}
	}
}

// TestMonitorSince: the step of collapse is that of the first evaluation of the last collapse.
func TestMonitorSince(t *testing.T) {
	var m Monitor
	for i, kl := range []float64{0.01, 0.5, 0.05, 0.02, 0.01} {
		m = m.Next(100*i, Reading{KL: kl, MI: kl, Gap: kl})
	}
	if m.State != Collapsed || m.Since != 200 || m.Readings != 5 {
		t.Errorf("%+v", m)
	}
}

// TestMonitorIsKept: whatever it has read, a checkpoint can hold it.
func TestMonitorIsKept(t *testing.T) {
	m := Monitor{}
	for _, v := range []float64{1, math.NaN(), math.Inf(1)} {
		m = m.Next(1, Reading{KL: 2, MI: v, Gap: v})
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Monitor
	if err := json.Unmarshal(text, &back); err != nil || back != m {
		t.Errorf("%+v, was %+v (%v)", back, m, err)
	}
	for s := Healthy; s <= Collapsed; s++ {
		if s.String() == "" {
			t.Error("a state without a name")
		}
	}
}
