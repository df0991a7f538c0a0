package record_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"vaelab/internal/record"
)

// Two seeds of one variant, written and read back.
func Example() {
	results, err := os.MkdirTemp("", "results")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(results)
	for seed, kl := range []float64{1.25, 1.75} {
		trial := record.Trial{
			Format: record.Format, Experiment: "pilot", ID: fmt.Sprintf("bn-0123abcd/seed-%d", seed),
			Variant: "bn", Seed: seed, Config: map[string]string{"variant.bn.gamma": "0.5"},
		}
		dir := trial.Dir(results)
		if err := trial.Save(dir); err != nil {
			log.Fatal(err)
		}
		w, err := record.OpenWriter(filepath.Join(dir, record.RowsFile), record.Sum{})
		if err != nil {
			log.Fatal(err)
		}
		if err := w.Write(record.Row{Step: 100, Split: "train", Values: map[string]float64{"kl": kl}}); err != nil {
			log.Fatal(err)
		}
		w.Close()
	}

	set, err := record.Load(results)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range set.Groups() {
		steps, mean, lo, hi, n := record.Series(g.Runs, "train", "kl")
		fmt.Println(g.Label, steps, mean, lo, hi, n)
	}
	// Output: bn [100] [1.5] [1.25] [1.75] 2
}
