// Command peer compares the speed of training a VAE here and on PyTorch, in all its configurations, and in JAX: the
// same model, the same examples, on the same cores, in one run.
//
//	go run ./bench/peer -python .venv/bin/python                  one trial on all cores
//	go run ./bench/peer -python .venv/bin/python -mode sweep      a trial on every core
//	go run ./bench/peer -mode cores                               our side alone, on all cores and on one
//	go run ./bench/peer -ours train -sizes ptb -cpuprofile p.prof our side alone
//
// For each size it first writes our weights and examples to files and lets each configuration compute the loss of
// one batch and the norm of its gradient, with z = mu, and the loss after a few steps. If they do not agree there is
// nothing to compare and it stops. A short run of each configuration chooses those that then take turns with ours.
// See README.md for what the figures mean.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"vaelab/internal/tensor"
)

//go:embed *.py
var scripts embed.FS

var processStart = time.Now()

// learningRates keep the timed steps far from divergence; they change nothing else.
var learningRates = map[string]float64{"sgd": 0.1, "adam": 0.001}

func main() { os.Exit(run(os.Stdin, os.Stdout, os.Stderr, os.Args[1:])) }

// run is the program: w gets results, wErr everything else.
func run(in io.Reader, w, wErr io.Writer, args []string) int {
	err := peer(in, w, wErr, args)
	var hinted hintedError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &hinted):
		fmt.Fprintf(wErr, "peer: error: %v\npeer: hint: %s\n", err, hinted.hint)
	default:
		fmt.Fprintf(wErr, "peer: error: %v\n", err)
	}
	return 1
}

// A hintedError is an error with advice.
type hintedError struct {
	error
	hint string
}

func peer(in io.Reader, w, wErr io.Writer, args []string) error {
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	flags.SetOutput(wErr)
	names := flags.String("sizes", "small,snli,ptb,h1024,yelp,transformer,pixelcnn", "`list` of sizes; there are also tiny, tiny-transformer and tiny-pixelcnn, for a try")
	mode := flags.String("mode", "trial", "trial: one process on all cores; sweep: a process of one thread on every core; cores: our side alone on all cores and on one")
	configs := flags.String("configs", "", "`list` of the other side's configurations to try; all by default")
	python := flags.String("python", "python3", "`interpreter` that can import torch")
	pairs := flags.Int("pairs", 3, "how often both sides take their turn")
	best := flags.Int("best", 2, "how many configurations of each framework and precision go into the pairs")
	threadList := flags.String("threads", "", "`list` of the other side's thread counts to try in a trial; all cores and one by default")
	limit := flags.Duration("limit", defaultLimit, "longest `time` of a short run, with check and compilation; what takes longer is left out")
	busy := flags.Bool("busy", false, "print ratios although others use more than a tenth of the processors")
	markdown := flags.Bool("markdown", false, "print tables in Markdown")
	seconds := flags.Float64("seconds", 3, "length of the timed part of a process; it makes two steps at least")
	warmup := flags.Int("warmup", 2, "steps of a process before the timed ones")
	optimizer := flags.String("optimizer", "sgd", "sgd or adam")
	jsonFile := flags.String("json", "", "also write all figures to `file`")
	ours := flags.String("ours", "", "be our side of the comparison and print JSON: check or train")
	precision := flags.String("precision", float32Products, "-ours: of our products, float32 or bf16")
	steps := flags.Int("steps", 0, "-ours train: number of timed steps, instead of -seconds")
	seed := flags.Int("seed", 1, "what weights, examples and noise are drawn from")
	dir := flags.String("dir", "", "-ours check: `folder` to write weights and examples to")
	data := flags.String("data", "", "-ours train: `file` of examples; else it draws them")
	wait := flags.Bool("wait", false, `-ours train: print "ready" and wait for a line before the timed part`)
	started := flags.Float64("started", 0, "-ours train: Unix `time` of the process start")
	cpuprofile := flags.String("cpuprofile", "", "-ours train: write a CPU profile of the timed part to `file`")
	if err := flags.Parse(args); err != nil {
		return err
	}

	list, err := sizesByName(*names)
	if err != nil {
		return err
	}
	lr, ok := learningRates[*optimizer]
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case !ok:
		return fmt.Errorf("-optimizer: unknown %q; known: sgd, adam", *optimizer)
	case *precision != float32Products && *precision != bf16Products:
		return fmt.Errorf("-precision: unknown %q; known: %s, %s", *precision, float32Products, bf16Products)
	case *pairs < 1 || *warmup < 1 || *best < 1:
		return errors.New("-pairs, -warmup and -best must be at least 1")
	}
	work := Work{
		Size: list[0], Data: *data, Precision: *precision, Optimizer: *optimizer, LR: lr, Warmup: *warmup,
		Seconds: *seconds, Steps: *steps, Seed: *seed, Wait: *wait, Profile: *cpuprofile, Started: processStart,
	}
	if *started > 0 {
		work.Started = time.Unix(0, int64(*started*1e9))
	}
	if *ours != "" {
		if len(list) > 1 {
			return errors.New("-ours wants one size: -sizes ptb")
		}
		return ourSide(*ours, work, *dir, in, w)
	}

	threads, err := threadCounts(*mode, *threadList)
	if err != nil {
		return err
	}
	chosen, err := configsByName(*configs)
	if err != nil {
		return err
	}
	if tensor.Bits != 32 && *mode != "cores" {
		return errors.New("PyTorch computes in float32 here: build without the tag f64")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := comparison{
		work: work, mode: *mode, python: *python, configs: chosen, threads: threads, best: *best, limit: *limit,
		pairs: *pairs, busy: *busy, log: wErr,
	}
	report, err := c.run(ctx, list)
	if err != nil {
		return err
	}
	report.write(w, *markdown)
	if *jsonFile != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*jsonFile, append(text, '\n'), 0o666); err != nil {
			return err
		}
	}
	return report.refused()
}

// ourSide does what the scripts do, and prints the same JSON.
func ourSide(mode string, work Work, dir string, in io.Reader, w io.Writer) error {
	var result any
	var err error
	switch {
	case mode == "check" && dir == "":
		return errors.New("-ours check: -dir is missing")
	case mode == "check":
		result, err = work.check(dir)
	case mode == "train":
		result, err = work.train(in, w)
	default:
		return fmt.Errorf("-ours: unknown %q; known: check, train", mode)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(result)
}

// threadCounts are those of the other side to try in the given mode, the most first: of a sweep's processes each has
// one thread.
func threadCounts(mode, list string) ([]int, error) {
	switch mode {
	case "sweep":
		return []int{1}, nil
	case "trial", "cores":
	default:
		return nil, fmt.Errorf("-mode: unknown %q; known: trial, sweep, cores", mode)
	}
	out := []int{runtime.GOMAXPROCS(0), 1}
	if list != "" {
		out = nil
		for s := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("-threads: %q is not a number of threads", s)
			}
			out = append(out, n)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return slices.Compact(out), nil
}
