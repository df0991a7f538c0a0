package sweep

import (
	"context"
	"strings"
	"testing"
	"time"

	"vaelab/internal/record"
)

// TestMeter: the rule by which CPU time is divided. An event is "+1" where trial 1 begins, "-1" where it ends.
func TestMeter(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		events string          // in turn
		cpu    []time.Duration // the clock at each
		want   []time.Duration // of the trials, in the order of their ends
	}{
		{"alone", "+1 -1", []time.Duration{5 * ms, 25 * ms}, []time.Duration{20 * ms}},
		{"one after another", "+1 -1 +2 -2", []time.Duration{0, 10 * ms, 17 * ms, 20 * ms}, []time.Duration{10 * ms, 3 * ms}},
		{"side by side", "+1 +2 -1 -2", []time.Duration{0, 0, 10 * ms, 10 * ms}, []time.Duration{5 * ms, 5 * ms}},
		// 4 alone, 6 of two, 9 of three, 2 of two, 7 alone.
		{"overlapping", "+1 +2 +3 -2 -1 -3", []time.Duration{1 * ms, 5 * ms, 11 * ms, 20 * ms, 22 * ms, 29 * ms},
			[]time.Duration{3*ms + 3*ms, 4*ms + 3*ms + 3*ms + 1*ms, 3*ms + 1*ms + 7*ms}},
	} {
		i := 0
		m := newMeter(func() time.Duration { return c.cpu[i] })
		var got []time.Duration
		var sum, want time.Duration
		for _, e := range strings.Fields(c.events) {
			if trial := int(e[1] - '0'); e[0] == '+' {
				m.begin(trial)
			} else {
				got = append(got, m.end(trial))
			}
			i++
		}
		for k := range c.want {
			if got[k] != c.want[k] {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
				break
			}
			sum, want = sum+got[k], want+c.want[k]
		}
		if sum != want || len(got) != len(c.want) {
			t.Errorf("%s: the sum is %v, want %v", c.name, sum, want)
		}
	}
	unknown := newMeter(nil)
	unknown.begin(1)
	if got := unknown.end(1); got != 0 {
		t.Errorf("without a clock: %v", got)
	}
}

// TestRunnerManifest: the runner puts into manifests what it is given, wall clock and CPU time apart.
func TestRunnerManifest(t *testing.T) {
	jobs := prepare(t, tiny+"seeds: 2\n", t.TempDir())
	clock, cpu := time.Unix(0, 0), time.Duration(0)
	w := &watch{}
	w.onStep = func() { clock, cpu = clock.Add(time.Second), cpu+2*time.Second } // 8 steps a trial
	peak := int64(0)
	r := Runner{Parallel: 1, Checkpoint: time.Hour, Observer: w, Watch: runner(w, 1).Watch,
		Now:        func() time.Time { return clock },
		CPU:        func() time.Duration { return cpu },
		PeakMemory: func() int64 { peak += 1 << 20; return peak },
		Manifest:   record.Manifest{Version: "v1", Revision: "abc", Modified: "false", CPU: "a model", GOAMD64: "v3"}}
	if err := r.Run(context.Background(), jobs); err != nil {
		t.Fatal(err)
	}
	for i, j := range jobs {
		set, err := record.Load(j.Dir)
		if err != nil {
			t.Fatal(err)
		}
		m := set.Runs[0].Manifest
		if m.Version != "v1" || m.Revision != "abc" || m.Modified != "false" || m.CPU != "a model" || m.GOAMD64 != "v3" || m.Go == "" || m.Kernel == "" || m.Data == "" {
			t.Errorf("trial %d: %+v", i, m)
		}
		if m.Seconds != 8 || m.CPUSeconds != 16 || m.PeakMemory != int64(i+1)<<20 {
			t.Errorf("trial %d: %v s, %v CPU s, %d bytes; want 8, 16, %d", i, m.Seconds, m.CPUSeconds, m.PeakMemory, int64(i+1)<<20)
		}
	}
}
