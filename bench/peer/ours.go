package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"vaelab/internal/grad"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/safetensors"
	"vaelab/internal/stream"
	"vaelab/internal/tensor"
	"vaelab/internal/tensor/kernel"
	"vaelab/internal/train"
	"vaelab/internal/vae"
)

// clip is the largest global norm of the gradients, the same in lstm_vae.py.
const clip = 5

// batches is how many batches of random sentences the steps take in turn.
const batches = 8

// checkScale multiplies PyTorch's initial weights for the check. With 4 each of
// thirteen faults put into lstm_vae.py was caught at tiny, small, snli and ptb, such as an h_0
// without its tanh, which with 1 passed at small.
const checkScale = 4

// A Work is what one process is asked to do; each field is a flag on both sides.
type Work struct {
	Size      Size
	Tokens    string // file of sentences; ours makes its own if there is none
	Optimizer string
	LR        float64
	Warmup    int     // steps before the timed ones
	Seconds   float64 // timed steps run about this long, two at least
	Steps     int     // number of timed steps, instead of a time
	Seed      int
	Wait      bool      // print "ready" and wait for a line before the timed part
	Started   time.Time // when the process was started
}

// A Run is what one process measured.
type Run struct {
	TokensPerSecond    float64 `json:"tokens_per_second"`
	Steps              int     `json:"steps"`
	Loss               float64 `json:"loss"` // of the last step: a sign of life
	Threads            int     `json:"threads"`
	Version            string  `json:"version"`
	Kernel             string  `json:"kernel"` // what the products run on
	PeakRSSBytes       int64   `json:"peak_rss_bytes"`
	StartRSSBytes      int64   `json:"start_rss_bytes"`       // of that, before there is a model: code and libraries
	SecondsToFirstStep float64 `json:"seconds_to_first_step"` // from the start of the process to the end of its first step
	Ceiling            float64 `json:"ceiling_flops,omitempty"`
	Share              float64 `json:"share_of_ceiling,omitempty"`
}

// A Check is what both sides must agree on: the loss of one batch under one set of
// weights with z = mu, and the global norm of its gradient.
type Check struct {
	Loss     float64 `json:"loss"`
	GradNorm float64 `json:"grad_norm"`
}

// build makes the vanilla LSTM VAE without dropout.
func (w Work) build(init string) (*vae.Model, error) {
	s := w.Size
	lstm := models.LSTM{LatentDim: s.Latent, EmbedDim: s.Embed, EncHidden: s.Hidden, DecHidden: s.Hidden, Init: init}
	return train.Build(lstm, nil, vae.Space{Kind: vae.Text, V: s.Vocab}, uint64(w.Seed))
}

// sentences draws batches·B random sentences <s> w_1 ... w_{T-1} </s> of one length, as
// a tensor (batches·B, T+1).
func (w Work) sentences() safetensors.Tensor {
	const start, end, firstWord = 1, 2, 4
	rng := stream.New(uint64(w.Seed), "tokens")
	t := safetensors.Tensor{Name: "tokens", DType: "I64", Shape: []int{batches * w.Size.Batch, w.Size.Length + 1}}
	for range t.Shape[0] {
		t.Data = append(t.Data, start)
		for range w.Size.Length - 1 {
			t.Data = append(t.Data, float64(firstWord+rng.IntN(w.Size.Vocab-firstWord)))
		}
		t.Data = append(t.Data, end)
	}
	return t
}

// load reads the sentences of w.Tokens, or draws them, and packs them into batches.
func (w Work) load() ([]*vae.Batch, error) {
	t := w.sentences()
	if w.Tokens != "" {
		f, err := safetensors.Read(w.Tokens)
		if err != nil {
			return nil, err
		}
		got := f.Get("tokens")
		if got == nil || len(got.Shape) != 2 || got.Shape[1] != w.Size.Length+1 {
			return nil, fmt.Errorf("%s: no tensor tokens of %d columns", w.Tokens, w.Size.Length+1)
		}
		t = *got
	}
	var out []*vae.Batch
	var seqs [][]int32
	for len(t.Data) > 0 {
		var seq []int32
		for _, id := range t.Data[:t.Shape[1]] {
			seq = append(seq, int32(id))
		}
		t.Data = t.Data[t.Shape[1]:]
		if seqs = append(seqs, seq); len(seqs) == w.Size.Batch {
			out = append(out, vae.NewBatch(seqs, nil))
			seqs = nil
		}
	}
	return out, nil
}

// check writes weights and sentences to dir and computes what the other side must get
// from them.
func (w Work) check(dir string) (Check, error) {
	m, err := w.build("pytorch")
	if err != nil {
		return Check{}, err
	}
	// Under initial weights z is nearly 0, a tanh nearly its argument, and a wrong model nearly
	// right. Larger ones take every part of it to where it bends.
	for _, p := range m.Params.Learnt() {
		if !strings.HasSuffix(p.Name, "embed.weight") {
			tensor.Scale(checkScale, p.Data)
		}
	}
	for name, tensors := range map[string][]safetensors.Tensor{
		"weights.safetensors": nn.Tensors(m.Params.All(), ""),
		"tokens.safetensors":  {w.sentences()},
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
	loss := m.Loss(&nn.Pass{Tape: new(grad.Tape), KLWeight: 1}, xs[0]).Loss
	loss.Backward()
	norm, _ := optim.ClipNorm(m.Params.Learnt(), 0)
	return Check{Loss: loss.Scalar(), GradNorm: norm}, nil
}

// train makes warm-up steps, then timed ones, on all processors that GOMAXPROCS allows.
// With w.Wait it writes "ready" to out between the two and goes on after a line from in.
func (w Work) train(in io.Reader, out io.Writer) (Run, error) {
	threads, startRSS := runtime.GOMAXPROCS(0), peakRSS()
	tensor.SetProcs(threads)
	m, err := w.build("he19")
	if err != nil {
		return Run{}, err
	}
	learnt := m.Params.Learnt()
	var opt optim.Optimizer = &optim.SGD{Params: learnt}
	if w.Optimizer == "adam" {
		opt = optim.NewAdam(learnt)
	}
	xs, err := w.load()
	if err != nil {
		return Run{}, err
	}
	var tape grad.Tape
	step := func(i int) float64 {
		p := &nn.Pass{Tape: &tape, Train: true, KLWeight: 1, Noise: stream.New(uint64(w.Seed), "eps", i)}
		m.Params.ZeroGrad()
		loss := m.Loss(p, xs[i%len(xs)]).Loss
		loss.Backward()
		optim.ClipNorm(learnt, clip)
		opt.Step(w.LR)
		nats := loss.Scalar()
		tape.Reset()
		return nats
	}

	run := Run{Threads: threads, Version: runtime.Version(), Kernel: tensor.Kernel()}
	for i := range w.Warmup {
		step(i)
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
	start := time.Now()
	var elapsed float64
	for done := false; !done; {
		run.Loss = step(w.Warmup + run.Steps)
		run.Steps++
		elapsed = time.Since(start).Seconds()
		done = run.Steps >= 2 && elapsed >= w.Seconds
		if w.Steps > 0 {
			done = run.Steps == w.Steps
		}
	}
	if math.IsNaN(run.Loss) || math.IsInf(run.Loss, 0) {
		return Run{}, fmt.Errorf("the loss became %v", run.Loss)
	}
	run.PeakRSSBytes, run.StartRSSBytes = peakRSS(), startRSS
	run.TokensPerSecond = float64(run.Steps*xs[0].Tokens()) / elapsed
	if kernel.Available {
		run.Ceiling = ceiling(threads)
		run.Share = run.TokensPerSecond * w.Size.Flop() / run.Ceiling
	}
	return run, nil
}

// ceiling is how many floating-point operations a second n processors reach together if
// only their multiply-add units limit them: the best of five times 20 ms. All of them run
// at once, because processors may share a clock or even those units.
func ceiling(n int) float64 {
	const rounds = 8_000_000 // of 192 operations
	best := 0.0
	for range 5 {
		start := time.Now()
		var all sync.WaitGroup
		for range n {
			all.Go(func() { kernel.Ceiling(rounds) })
		}
		all.Wait()
		best = max(best, float64(n)*192*rounds/time.Since(start).Seconds())
	}
	return best
}
