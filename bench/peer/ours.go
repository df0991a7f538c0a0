package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"vaelab/internal/data"
	"vaelab/internal/grad"
	"vaelab/internal/machine"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/tensor/kernel"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// clip is the largest global norm of the gradients, the same in process.py.
const clip = 5

// batches is how many batches of random examples the steps take in turn.
const batches = 8

// checkSteps is how many steps of SGD the check makes, and checkLR their size; the same in
// process.py.
const checkSteps, checkLR = 3, 0.1

// A Work is what one process is asked to do; each field is a flag on both sides.
type Work struct {
	Size      Size
	Data      string // file of examples; ours makes its own if there is none
	Precision string // of our products
	Optimizer string
	LR        float64
	Warmup    int     // steps before the timed ones
	Seconds   float64 // timed steps run about this long, two at least
	Steps     int     // number of timed steps, instead of a time
	Seed      int
	Wait      bool      // print "ready" and wait for a line before the timed part
	Profile   string    // file for a CPU profile of the timed part
	Started   time.Time // when the process was started
}

// A Run is what one process measured.
type Run struct {
	TokensPerSecond    float64 `json:"tokens_per_second"`
	Tokens             int     `json:"tokens"`
	Steps              int     `json:"steps"`
	CPUSeconds         float64 `json:"cpu_seconds"`         // user and system time of the timed part, 0 if not known
	ProcessCPU         float64 `json:"process_cpu_seconds"` // of the whole process
	Loss               float64 `json:"loss"`                // of the last step: a sign of life
	Threads            int     `json:"threads"`             // of all processes
	Version            string  `json:"version"`
	Kernel             string  `json:"kernel"` // what the products run on
	PeakRSSBytes       int64   `json:"peak_rss_bytes"`
	StartRSSBytes      int64   `json:"start_rss_bytes"`       // of that, before there is a model: code and libraries
	SecondsToFirstStep float64 `json:"seconds_to_first_step"` // from the start of the process to the end of its first step
	Ceiling            float64 `json:"ceiling_flops,omitempty"`
	Parts              *Parts  `json:"parts,omitempty"` // of ours, where the system knows them
	Check              *Check  `json:"check,omitempty"` // of a script that was given our weights
}

// A Check is what both sides must agree on, under one set of weights with z = mu: the loss
// of the first batch and the global norm of its gradient; and the loss of another batch after
// a few steps of SGD, for which every gradient must be right.
type Check struct {
	Loss     float64 `json:"loss"`
	GradNorm float64 `json:"grad_norm"`
	Later    float64 `json:"later_loss"`
	// ProductError is the relative error of one product of the other side to float64, in the Frobenius norm.
	ProductError float64 `json:"product_error,omitempty"`
}

// build makes the model as the vanilla VAE.
func (w Work) build() (*vae.Model, error) {
	t := train.Trial{Trial: record.Trial{Seed: w.Seed}, Model: w.Size.Model, Train: train.Settings{Precision: w.Precision}}
	return t.Build(w.Size.Space, data.Split{})
}

// examples draws all batches' examples, a row each.
func (w Work) examples() safetensors.Tensor {
	rng := stream.New(uint64(w.Seed), "examples")
	t := safetensors.Tensor{Name: "examples", DType: "I64", Shape: []int{batches * w.Size.Batch, 0}}
	if w.Size.Space.Kind == vae.Image {
		t.DType = "F32"
	}
	for range t.Shape[0] {
		row := w.Size.draw(rng)
		t.Shape[1] = len(row)
		t.Data = append(t.Data, row...)
	}
	return t
}

// load reads the examples of w.Data, or draws them, and makes batches of them.
func (w Work) load() ([]*vae.Batch, error) {
	t := w.examples()
	if w.Data != "" {
		f, err := safetensors.Read(w.Data)
		if err != nil {
			return nil, err
		}
		got := f.Get("examples")
		if got == nil || !slices.Equal(got.Shape, t.Shape) {
			return nil, fmt.Errorf("%s: no tensor examples of shape %v", w.Data, t.Shape)
		}
		t = *got
	}
	var out []*vae.Batch
	rows := slices.Collect(slices.Chunk(t.Data, t.Shape[1]))
	for batch := range slices.Chunk(rows, w.Size.Batch) {
		out = append(out, w.Size.batch(batch))
	}
	return out, nil
}

// loud adds noise to all parameters. Under initial weights z is nearly 0, a tanh nearly its
// argument, a bias nothing, and a wrong model nearly right; these take every part of it to
// where it bends.
func (w Work) loud(m *vae.Model) {
	for _, p := range m.Params.Learnt() {
		sd := 0.25 // of a bias or a gain
		if p.Rows > 1 {
			sd = w.Size.Loud / math.Sqrt(float64(p.Cols))
		}
		rng := stream.New(uint64(w.Seed), "loud", p.Name)
		for i := range p.Data {
			p.Data[i] += tensor.Float(sd * rng.NormFloat64())
		}
	}
}

// check writes weights and examples to dir and computes what the other side must get
// from them.
func (w Work) check(dir string) (Check, error) {
	m, err := w.build()
	if err != nil {
		return Check{}, err
	}
	w.loud(m)
	for name, tensors := range map[string][]safetensors.Tensor{
		weightsFile: nn.Tensors(m.Params.All(), ""),
		dataFile:    {w.examples()},
	} {
		file := safetensors.File{Tensors: tensors}
		data, err := file.Encode()
		if err != nil {
			return Check{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return Check{}, err
		}
	}
	xs, err := w.load()
	if err != nil {
		return Check{}, err
	}
	opt := optim.NewSGD(m.Params.Learnt(), 0)
	p := &nn.Pass{Tape: new(grad.Tape), KLWeight: 1}
	var c Check
	for i := range checkSteps {
		loss, norm := step(m, opt, checkLR, p, xs[i])
		if i == 0 {
			c.Loss, c.GradNorm = loss, norm
		}
	}
	p.Tape.NoGrad = true
	c.Later = m.Loss(p, xs[checkSteps]).Loss.Scalar()
	return c, nil
}

// step makes one step and returns the loss and the norm of its gradient before clipping.
func step(m *vae.Model, opt optim.Optimizer, lr float64, p *nn.Pass, x *vae.Batch) (nats, norm float64) {
	m.Params.ZeroGrad()
	loss := m.Loss(p, x).Loss
	loss.Backward()
	norm = optim.Norm(m.Params.Learnt())
	opt.Step(lr, optim.Clip(norm, clip))
	nats = loss.Scalar()
	p.Tape.Reset()
	return nats, norm
}

// train makes warm-up steps, then timed ones, on all processors that GOMAXPROCS allows.
// With w.Wait it writes "ready" to out between the two and goes on after a line from in.
func (w Work) train(in io.Reader, out io.Writer) (Run, error) {
	threads, startRSS := runtime.GOMAXPROCS(0), machine.PeakMemory()
	tensor.SetProcs(threads)
	tensor.SetClock(time.Now)
	m, err := w.build()
	if err != nil {
		return Run{}, err
	}
	var opt optim.Optimizer = optim.NewSGD(m.Params.Learnt(), 0)
	if w.Optimizer == "adam" {
		opt = optim.NewAdam(m.Params.Learnt())
	}
	xs, err := w.load()
	if err != nil {
		return Run{}, err
	}
	var tape grad.Tape
	turn := func(i int) float64 {
		p := &nn.Pass{Tape: &tape, Train: true, KLWeight: 1, Noise: stream.New(uint64(w.Seed), "eps", i)}
		nats, _ := step(m, opt, w.LR, p, xs[i%len(xs)])
		return nats
	}

	run := Run{Threads: threads, Version: runtime.Version(), Kernel: tensor.Kernel()}
	for i := range w.Warmup {
		turn(i)
		if i == 0 {
			run.SecondsToFirstStep = time.Since(w.Started).Seconds()
		}
	}
	if w.Wait {
		fmt.Fprintln(out, ready)
		if _, err := bufio.NewReader(in).ReadString('\n'); err != nil {
			return Run{}, fmt.Errorf("waiting for the start: %w", err)
		}
	}
	var samples bytes.Buffer
	if err := pprof.StartCPUProfile(&samples); err != nil {
		return Run{}, err
	}
	defer pprof.StopCPUProfile()
	start, cpu := time.Now(), machine.CPUTime()
	var elapsed float64
	for done := false; !done; {
		run.Loss = turn(w.Warmup + run.Steps)
		run.Steps++
		elapsed = time.Since(start).Seconds()
		done = run.Steps >= 2 && elapsed >= w.Seconds
		if w.Steps > 0 {
			done = run.Steps == w.Steps
		}
	}
	run.CPUSeconds = (machine.CPUTime() - cpu).Seconds()
	pprof.StopCPUProfile()
	if run.Parts, err = parts(samples.Bytes(), run.CPUSeconds); err != nil {
		return Run{}, err
	}
	if w.Profile != "" {
		if err := os.WriteFile(w.Profile, samples.Bytes(), 0o666); err != nil {
			return Run{}, err
		}
	}
	if math.IsNaN(run.Loss) || math.IsInf(run.Loss, 0) {
		return Run{}, fmt.Errorf("the loss became %v", run.Loss)
	}
	run.PeakRSSBytes, run.StartRSSBytes = machine.PeakMemory(), startRSS
	run.Tokens = run.Steps * w.Size.Tokens()
	run.TokensPerSecond = float64(run.Tokens) / elapsed
	if kernel.Available {
		run.Ceiling = ceiling(threads)
	}
	return run, nil
}

// ceiling is how many floating-point operations a second n processors reach together if
// only their multiply-add units limit them: the best of five times 20 ms. All of them run
// at once, because processors may share a clock or even those units.
func ceiling(n int) float64 {
	const rounds = 8_000_000
	best := 0.0
	for range 5 {
		start := time.Now()
		flops := make([]float64, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { flops[i] = kernel.Ceiling(rounds) })
		}
		all.Wait()
		best = max(best, float64(n)*flops[0]/time.Since(start).Seconds())
	}
	return best
}
