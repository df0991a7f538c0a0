package grad

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"vaelab/internal/tensor"
)

var pixels = tensor.Matrix{Rows: 3, Cols: 2, Data: []Float{0, 1, 1, 1, 0, 0}}

// normal is a matrix of N(0, 1).
func normal(seed uint64, rows, cols int) tensor.Matrix {
	rng := rand.New(rand.NewPCG(seed, 2))
	m := tensor.New(rows, cols)
	for i := range m.Data {
		m.Data[i] = Float(rng.NormFloat64())
	}
	return m
}

// TestConvIsTheSum compares with the definition, pixel by pixel.
func TestConvIsTheSum(t *testing.T) {
	const B, H, W, out = 3, 7, 6, 5
	for name, win := range map[string]*Window{
		"square":     NewWindow(H, W, 1, Square(3)),
		"by two":     NewWindow(H, W, 2, Square(3)),
		"one tap":    NewWindow(H, W, 3, Square(1)),
		"before":     NewWindow(H, W, 1, Before(5)),
		"up to":      NewWindow(H, W, 1, UpTo(5)),
		"wide":       NewWindow(H, W, 1, Square(15)),
		"scattered":  NewWindow(H, W, 1, []Tap{{0, 2}, {-1, -1}, {-1, 1}, {2, 0}}),
		"all beyond": NewWindow(H, W, 1, []Tap{{H, 0}, {0, -W}}),
	} {
		for _, C := range []int{2, convChannels} {
			var tape Tape
			x, w, b := normal(1, B*H*W, C), normal(2, out, len(win.Taps)*C), normal(3, 1, out)
			y := tape.Const(x).Conv(win, tape.Const(w), tape.Const(b), nil)
			h, wd := win.Out()
			if y.Rows != B*h*wd {
				t.Fatalf("%s: %v for %d images of %d x %d", name, y.Matrix, B, h, wd)
			}
			for i := range y.Rows {
				image, row, col := i/(h*wd), i/wd%h, i%wd
				for o, got := range y.Row(i) {
					want := float64(b.Data[o])
					for k, tap := range win.Taps {
						sy, sx := row*win.Stride+tap.Y, col*win.Stride+tap.X
						if sy < 0 || sy >= H || sx < 0 || sx >= W {
							continue
						}
						for c, v := range x.Row((image*H+sy)*W + sx) {
							want += float64(v) * float64(w.Row(o)[k*C+c])
						}
					}
					if math.Abs(float64(got)-want) > 1e-4*(1+math.Abs(want)) {
						t.Fatalf("%s of %d channels: image %d pixel (%d, %d) channel %d: %v, want %v", name, C, image, row, col, o, got, want)
					}
				}
			}
		}
	}
}

// TestMasksAreOrders: Before sees the pixels before, UpTo one more.
func TestMasksAreOrders(t *testing.T) {
	for k := 1; k <= 9; k += 2 {
		before, upTo := Before(k), UpTo(k)
		if len(before) != (k*k-1)/2 || len(upTo) != len(before)+1 || upTo[len(before)] != (Tap{}) {
			t.Errorf("k = %d: %d taps before, up to %v", k, len(before), upTo)
		}
		for _, tap := range before {
			if tap.Y > 0 || tap.Y == 0 && tap.X >= 0 {
				t.Errorf("k = %d: %v is not before", k, tap)
			}
		}
	}
}

// convStep makes a function that runs one convolution forward and backward, and its operations.
func convStep(tape *Tape, win *Window, B, C, out int) (step func(), grads []tensor.Matrix, flops float64) {
	h, w := win.Out()
	inputs := []tensor.Matrix{normal(1, B*win.Height*win.Width, C), normal(2, out, len(win.Taps)*C), normal(3, 1, out)}
	for _, m := range inputs {
		grads = append(grads, tensor.New(m.Rows, m.Cols))
	}
	dy := normal(4, B*h*w, out).Data
	step = func() {
		var in [3]*Value
		for i, m := range inputs {
			in[i] = tape.Leaf(m, grads[i].Data)
		}
		backAlone(in[0].Conv(win, in[1], in[2], nil), dy)
		tape.Reset()
	}
	return step, grads, 6 * float64(B*h*w*len(win.Taps)*C*out)
}

// TestConvOnManyProcessors: the same bytes on any number.
func TestConvOnManyProcessors(t *testing.T) {
	defer tensor.SetProcs(1)
	for _, C := range []int{16, convChannels} {
		var want []tensor.Matrix
		for procs := 1; procs <= 3; procs++ {
			tensor.SetProcs(procs)
			var tape Tape
			step, grads, _ := convStep(&tape, NewWindow(13, 14, 1, UpTo(7)), 17, C, 32)
			step()
			if want == nil {
				want = grads
			}
			for k, m := range grads {
				for i, v := range m.Data {
					if v != want[k].Data[i] {
						t.Fatalf("%d channels on %d processors: gradient %d element %d is %v, on one %v", C, procs, k, i, v, want[k].Data[i])
					}
				}
			}
		}
	}
}

func TestConvAllocatesNothing(t *testing.T) {
	for _, C := range []int{2, convChannels} {
		var tape Tape
		step, _, _ := convStep(&tape, NewWindow(4, 4, 1, UpTo(5)), 2, C, 4)
		step()
		if n := testing.AllocsPerRun(20, step); n > 0 {
			t.Errorf("a warm convolution of %d channels allocates %v times", C, n)
		}
	}
}

// TestBernoulliSumsToOne: over all images of four pixels; and extreme logits stay finite.
func TestBernoulliSumsToOne(t *testing.T) {
	var tape Tape
	logits, all := tensor.New(16, 4), tensor.New(16, 4)
	for i := range 16 {
		copy(logits.Row(i), []Float{-3, 0, 0.5, 20})
		for j := range 4 {
			all.Row(i)[j] = Float(i >> j & 1)
		}
	}
	sum := 0.0
	for _, v := range tape.Const(logits).Bernoulli(all).Data {
		sum += math.Exp(float64(v))
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("probabilities sum to %v", sum)
	}
	far := tensor.Matrix{Rows: 1, Cols: 2, Data: []Float{-1000, 1000}}
	x := tensor.Matrix{Rows: 1, Cols: 2, Data: []Float{1, 0}}
	if got := tape.Const(far).Bernoulli(x).Scalar(); got != -2000 {
		t.Errorf("ln p of the least likely image: %v, want -2000", got)
	}
}

// BenchmarkConv is a convolution forward and backward at the sizes of the image experiments. It
// gives the share of the multiply-add ceiling of one core.
func BenchmarkConv(b *testing.B) {
	ceiling := tensor.Ceiling(time.Now)
	for _, c := range []struct {
		name   string
		win    *Window
		C, out int
	}{
		{"mask B 9x9 32", NewWindow(28, 28, 1, UpTo(9)), 32, 32},
		{"mask B 7x7 32", NewWindow(28, 28, 1, UpTo(7)), 32, 32},
		{"mask B 5x5 32", NewWindow(28, 28, 1, UpTo(5)), 32, 32},
		{"mask B 3x3 32", NewWindow(28, 28, 1, UpTo(3)), 32, 32},
		{"3x3 64 14x14", NewWindow(14, 14, 1, Square(3)), 64, 64},
		{"3x3 64 by two", NewWindow(14, 14, 2, Square(3)), 64, 64},
		{"mask A 9x9 1", NewWindow(28, 28, 1, Before(9)), 1, 32},
		{"9x9 4", NewWindow(28, 28, 1, Square(9)), 4, 32},
	} {
		b.Run(c.name, func(b *testing.B) {
			var tape Tape
			step, _, flops := convStep(&tape, c.win, 50, c.C, c.out)
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			rate := flops * float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate/1e9, "GFLOP/s")
			if ceiling > 0 {
				b.ReportMetric(100*rate/ceiling, "%ceiling")
			}
		})
	}
}

func TestELU(t *testing.T) {
	var tape Tape
	x := tape.Const(normal(1, 50, 100))
	copy(x.Data, []Float{0, 100, -100, 1e-6, -1e-6, -1e-20})
	for i, y := range x.ELU().Data {
		want := float64(x.Data[i])
		if want < 0 {
			want = math.Expm1(want)
		}
		if math.Abs(float64(y)-want) > 1e-6*math.Abs(want) {
			t.Errorf("ELU(%v) = %v, want %v", x.Data[i], y, want)
		}
	}
}

func TestConvShapeMistakesPanic(t *testing.T) {
	var tape Tape
	win := NewWindow(3, 4, 1, Square(3))
	x, w := tape.Zeros(24, 2), tape.Zeros(5, 18)
	for name, f := range map[string]func(){
		"half an image": func() { tape.Zeros(18, 2).Conv(win, w, nil, nil) },
		"channels":      func() { tape.Zeros(24, 3).Conv(win, w, nil, nil) },
		"bias":          func() { x.Conv(win, w, tape.Zeros(1, 4), nil) },
		"onto":          func() { x.Conv(win, w, nil, tape.Zeros(12, 5)) },
		"Bernoulli":     func() { x.Bernoulli(tensor.New(2, 24)) },
		"Reshape":       func() { x.Reshape(5, 9) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: wrong shapes did not panic", name)
				}
			}()
			f()
		}()
	}
	x.Conv(win, w, tape.Zeros(1, 5), tape.Zeros(24, 5))
}
