package main

import "testing"

// runs have these speeds; each took a second of one processor.
func runs(ceiling float64, speeds ...float64) (out []Run) {
	for _, x := range speeds {
		out = append(out, Run{
			TokensPerSecond: x, Tokens: int(x), CPUSeconds: 2, Ceiling: ceiling, PeakRSSBytes: int64(x), SecondsToFirstStep: 1,
		})
	}
	return out
}

// TestSummary: two threads are better in the median though not in every pair; each framework and precision has its
// own best.
func TestSummary(t *testing.T) {
	entry := func(framework, precision string, threads int, runs []Run) *Entry {
		return &Entry{Config: Config{Framework: framework, Name: "x"}, Measured: precision, Threads: threads, Runs: runs}
	}
	r := Result{
		FlopPerToken: 2,
		Ours:         []*Entry{entry("ours", "float32", 2, runs(1200, 300, 200, 400)), entry("ours", "bf16", 2, runs(2400, 600, 600, 600))},
		Peers: []*Entry{
			entry("torch", "float32", 1, runs(0, 90, 210, 80)), entry("torch", "float32", 2, runs(0, 100, 100, 160)),
			entry("torch", "bf16", 2, runs(0, 200, 200, 200)), entry("jax", "float32", 2, runs(0, 300, 300, 300)),
			entry("torch", "float32", 3, nil), // not in the pairs
		},
	}
	r.summarise()
	want := []struct {
		threads int
		ratio   Spread
	}{{2, Spread{2, 3, 3}}, {2, Spread{1, 1.5, 2}}, {2, Spread{200. / 300, 1, 400. / 300}}, {2, Spread{3, 3, 3}}}
	if len(r.Versus) != len(want) {
		t.Fatalf("%d comparisons, want %d: %+v", len(r.Versus), len(want), r.Versus)
	}
	for i, w := range want {
		if v := r.Versus[i]; v.Peer.Threads != w.threads || v.Ratio != w.ratio {
			t.Errorf("%s beside %s: %+v", v.Ours.Name, v.Peer.Name, v)
		}
	}
	v := r.Versus[0]
	if v.Ours.Peak != 400 || v.Peer.Peak != 160 || v.Ours.Share != 0.5 || v.Ours.PerCPU.Median != 150 || v.Ours.Speed != (Spread{200, 300, 400}) {
		t.Errorf("%+v", v)
	}
}

// TestFinalists: the best two of each framework and precision, unless they are far behind.
func TestFinalists(t *testing.T) {
	var entries []*Entry
	for _, x := range []struct {
		framework, precision string
		speed                float64
		in                   bool
	}{
		{"torch", "float32", 80, false}, {"torch", "float32", 100, true}, {"torch", "float32", 90, true},
		{"torch", "bf16", 40, false}, {"torch", "bf16", 60, true}, {"jax", "float32", 10, true},
		{"amx", "float32", 100, true}, {"amx", "bf16", 300, true}, {"amx", "bf16", 140, false},
	} {
		e := &Entry{Config: Config{Framework: x.framework}, Measured: x.precision, Tuning: &Run{TokensPerSecond: x.speed}}
		if x.in {
			e.Name = "in"
		}
		entries = append(entries, e)
	}
	finalists(entries, 2)
	for _, e := range entries {
		if (e.Left == "") != (e.Name == "in") {
			t.Errorf("%s %s at %v: left out because %q", e.Framework, e.Measured, e.Tuning.TokensPerSecond, e.Left)
		}
	}
}

// TestFastest: a run whose tiles take half of the time at half of the ceiling would take three quarters of it with tiles
// at the ceiling.
func TestFastest(t *testing.T) {
	run := Run{TokensPerSecond: 100, Tokens: 200, Threads: 2, Ceiling: 400, Parts: &Parts{Tiles: 2, Spin: 0.5, Rest: 1}}
	r := Result{FlopPerToken: 1}
	e := &Entry{Measured: float32Products, Runs: []Run{run, run}}
	f := r.figures(e, 400)
	if want := (Parts{0.5, 0.125, 0.25}); f.Parts == nil || *f.Parts != want {
		t.Errorf("shares %+v, want %+v", f.Parts, want)
	}
	if want := 100 / 0.75; f.Share != 0.25 || f.Fastest != want {
		t.Errorf("%v of the ceiling and at most %v, want 0.25 and %v", f.Share, f.Fastest, want)
	}
	e.Runs[1].Parts = nil
	if f := r.figures(e, 400); f.Parts != nil || f.Fastest != 0 {
		t.Errorf("without the profile of a run: %+v", f)
	}
}
