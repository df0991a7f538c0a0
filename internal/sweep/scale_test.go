package sweep

import (
	"fmt"
	"strings"
	"testing"

	"vaelab/internal/machine"
)

// numbers are n values of a setting, as a list of YAML.
func numbers(n int, low, high float64) string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%.6f", low+(high-low)*float64(i)/float64(n))
	}
	return "[" + strings.Join(values, ", ") + "]"
}

// tenThousand are experiments of about 10,000 trials.
var tenThousand = map[string]string{
	"1667 entries, 6 seeds":  "seeds: 6\nbase: {model: {lstm: {latent_dim: 32}}, train: {epochs: 3}}\ngrid:\n" + entries(1667),
	"1667 settings, 6 seeds": "seeds: 6\ngrid:\n  - variant: vanilla\n  - variant: {bn: {gamma: " + numbers(49, 0.1, 1) + "}}\n    train: {lr: " + numbers(34, 0.001, 0.01) + "}\n",
	"10000 settings, 1 seed": "grid:\n  - variant: {bn: {gamma: " + numbers(100, 0.1, 1) + "}}\n    train: {lr: " + numbers(100, 0.001, 0.01) + "}\n",
}

// BenchmarkRead reads an experiment, which is most of what a task does before it trains.
func BenchmarkRead(b *testing.B) {
	for name, text := range tenThousand {
		b.Run(name, func(b *testing.B) {
			spent := machine.CPUTime()
			for b.Loop() {
				e, err := Parse("big.yaml", []byte(text), Options{})
				if err != nil {
					b.Fatal(err)
				}
				if n := len(e.Trials); n < 9_900 || n > 10_100 {
					b.Fatalf("%d trials", n)
				}
			}
			b.ReportMetric((machine.CPUTime()-spent).Seconds()/float64(b.N), "CPU-s/op") // with the garbage collector's
		})
	}
}

// entries are n entries of a grid, each with a learning rate of its own.
func entries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  - {variant: bn, train: {lr: %.6f}}\n", 0.001+0.000001*float64(i))
	}
	return b.String()
}

// BenchmarkPrepare finds the folders of trials, none of which has begun.
func BenchmarkPrepare(b *testing.B) {
	for name, text := range tenThousand {
		b.Run(name, func(b *testing.B) {
			e, err := Parse("big.yaml", []byte(text), Options{Sets: []string{"data.synthetic.train=64", "data.synthetic.valid=32", "data.synthetic.test=32"}})
			if err != nil {
				b.Fatal(err)
			}
			results := b.TempDir()
			spent := machine.CPUTime()
			for b.Loop() {
				if _, err := e.Prepare(results); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((machine.CPUTime()-spent).Seconds()/float64(b.N), "CPU-s/op")
		})
	}
}
