package kernel

import (
	"flag"
	"math"
	"testing"
)

var long = flag.Bool("long", false, "test every float32, not a sample")

// TestExp measures the error in units in the last place against float64, on every 997th
// float32, or on all of them with -long, and the edges.
func TestExp(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	stride := uint64(997)
	if *long {
		stride = 1
	}
	worst, at := 0.0, float32(0)
	x, in := make([]float32, 4096), make([]float32, 4096)
	for next := uint64(0); next < 1<<32; {
		for i := range in {
			in[i] = math.Float32frombits(uint32(next))
			next += stride
		}
		copy(x, in)
		ExpSum(x, 0)
		for i, got := range x {
			want := math.Exp(float64(in[i]))
			switch {
			case in[i] != in[i]:
				if got == got {
					t.Fatalf("Exp(NaN) = %v", got)
				}
			case in[i] > 88.72283:
				if !math.IsInf(float64(got), 1) {
					t.Fatalf("Exp(%v) = %v, want +Inf", in[i], got)
				}
			case in[i] < -87.33654:
				if got != 0 {
					t.Fatalf("Exp(%v) = %v, want 0", in[i], got)
				}
			default:
				ulp := float64(math.Nextafter32(float32(want), float32(math.Inf(1))) - float32(want))
				if math.IsInf(ulp, 0) { // the largest float32
					ulp = math.Pow(2, 104)
				}
				if e := math.Abs(float64(got)-want) / ulp; e > worst || e != e {
					worst, at = e, in[i]
				}
			}
		}
	}
	t.Logf("largest error %.3f ULP, at %v", worst, at)
	if !(worst <= 2) {
		t.Errorf("error of %v ULP at %v", worst, at)
	}
	for n := range 20 { // every length, every place
		a, b := make([]float32, n), make([]float32, 1)
		for i := range a {
			a[i] = float32(i) - 7.3
		}
		ExpSum(a, 0)
		for i := range a {
			b[0] = float32(i) - 7.3
			if ExpSum(b, 0); a[i] != b[0] {
				t.Fatalf("length %d place %d: %v, alone %v", n, i, a[i], b[0])
			}
		}
	}
}

// TestSigmoidAndTanh measures both against float64 on a sample of all float32, or on all of
// them with -long.
func TestSigmoidAndTanh(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	stride := uint64(1999)
	if *long {
		stride = 1
	}
	for name, c := range map[string]struct {
		fast func(x []float32)
		true func(float64) float64
		ulps float64
	}{
		"Sigmoid": {Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 2},
		"Tanh":    {func(x []float32) { Tanh(x, x) }, math.Tanh, 2},
	} {
		worst, at := 0.0, float32(0)
		x, in := make([]float32, 4096), make([]float32, 4096)
		for next := uint64(0); next < 1<<32; {
			for i := range in {
				in[i] = math.Float32frombits(uint32(next))
				next += stride
			}
			copy(x, in)
			c.fast(x)
			for i, got := range x {
				want := c.true(float64(in[i]))
				if in[i] != in[i] {
					if got == got {
						t.Fatalf("%s(NaN) = %v", name, got)
					}
					continue
				}
				if math.Abs(want) < 1.2e-38 { // below normal numbers, 0 will do
					if math.Abs(float64(got)) > 1.2e-38 {
						t.Fatalf("%s(%v) = %v, want %v", name, in[i], got, want)
					}
					continue
				}
				w := float32(math.Abs(want))
				ulp := float64(math.Nextafter32(w, 2) - w)
				if e := math.Abs(float64(got)-want) / ulp; e > worst || e != e {
					worst, at = e, in[i]
				}
			}
		}
		t.Logf("%s: largest error %.3f ULP, at %v", name, worst, at)
		if !(worst <= c.ulps) {
			t.Errorf("%s: error of %v ULP at %v", name, worst, at)
		}
	}
}

func BenchmarkExp(b *testing.B) {
	if !Available {
		b.Skip("this processor or build has no kernels")
	}
	x := make([]float32, 1000)
	for b.Loop() {
		for i := range x {
			x[i] = -3
		}
		ExpSum(x, 0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/element")
}

// TestELU: as exact near 0, where e^x - 1 would cancel, as far from it.
func TestELU(t *testing.T) {
	if !Available {
		t.Skip("this processor or build has no kernels")
	}
	var x []float32
	for v := 1e-30; v < 200; v *= 1.001 {
		x = append(x, float32(-v), float32(v))
	}
	x = append(x, 0, float32(math.Inf(1)), float32(math.Inf(-1)))
	y := make([]float32, len(x))
	ELU(x, y)
	for i, v := range x {
		want := float64(v)
		if v < 0 {
			want = math.Expm1(float64(v))
		}
		if got := float64(y[i]); got != want && !(math.Abs(got-want) <= 3e-7*math.Abs(want)) {
			t.Fatalf("ELU(%v) = %v, want %v", v, got, want)
		}
	}
}
