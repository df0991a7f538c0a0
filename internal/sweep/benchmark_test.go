package sweep

import (
	"math"
	"path/filepath"
	"strconv"
	"testing"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/record"
)

// TestBenchmarkClaims: where every method spans 1 to 99 nats, every claim of the benchmark at a rate is decided. So each
// selection has one dial, and what it is compared with differs in nothing that the claim does not name.
func TestBenchmarkClaims(t *testing.T) {
	for _, name := range experiments.Names() {
		if filepath.Dir(experiments.Path(name)) != "benchmark" {
			continue
		}
		e, err := Read(filepath.Join("../../experiments", experiments.Path(name)), Options{ForClaims: true})
		if err != nil {
			t.Error(err)
			continue
		}
		var at []claims.Claim
		for _, c := range e.Claims {
			if _, ok := c.Kind.(claims.Matched); ok {
				at = append(at, c)
			}
		}
		set := &record.Set{}
		rates := map[string]float64{} // of settings: near 0 and 100 in turn, and the values of a dial follow each other
		for _, trial := range e.Trials {
			key := Settings(trial.Config)
			if _, ok := rates[key]; !ok {
				rates[key] = 100*float64(len(rates)%2) + 1e-3*float64(len(rates))
			}
			kl := rates[key]
			set.Runs = append(set.Runs, record.Run{Trial: trial.Trial, State: record.Done, Rows: record.Entries(
				record.Row{Step: 10, Split: "test", Values: map[string]float64{"kl": kl, "gap": kl, "iw_nll": 30 - kl, "nelbo": 30}})})
		}
		Complete(set)
		for _, v := range claims.Judge(set, at, e.Converged) {
			if v.N < 6 {
				t.Errorf("%s: %s: %s", name, v.Claim.Say, v.Reason)
			}
		}
	}
}

// TestLinearClosedForms: the values that t0-linear claims of the plain VAE are those of its formulas.
func TestLinearClosedForms(t *testing.T) {
	e, err := Read(filepath.Join("../../experiments", experiments.Path("t0-linear")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const variance, noise, dims = 24, 0.5, 10
	checked := 0
	for _, c := range e.Claims {
		p, ok := c.Kind.(claims.Published)
		beta, err := strconv.ParseFloat(p.Of["kl.beta"], 64)
		if !ok || err != nil {
			continue
		}
		threshold, used := beta*variance, 4
		kl, squares, gap := 0.0, noise*(dims-4), 0.0
		for _, eigenvalue := range []float64{16, 8, 4, 2} {
			if eigenvalue <= threshold {
				squares, used = squares+eigenvalue, used-1
				continue
			}
			kl += 0.5 * math.Log(eigenvalue/threshold)
			squares += threshold
			gap += (eigenvalue - threshold) / variance
		}
		rec := 0.5*dims*math.Log(2*math.Pi*variance) + squares/(2*variance)
		want := map[string]float64{"kl": kl, "nelbo": rec + kl, "gap": gap}[p.Metric]
		if math.Abs(p.Value-want) > 1e-3 || used == 0 {
			t.Errorf("%s: %v, want %v", c.Say, p.Value, want)
		}
		checked++
	}
	if checked < 12 {
		t.Errorf("only %d claims were checked", checked)
	}
}
