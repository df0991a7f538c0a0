package variants

import (
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// stepwise is the posterior of a method and its penalty, given m and s of each sentence at each step.
func stepwise(t *testing.T, v TWRVAE, m, s [][][]float64) (q vae.Gaussian, penalty *grad.Value) {
	t.Helper()
	seqs := make([][]int32, len(m))
	for b := range m {
		seqs[b] = make([]int32, len(m[b]))
	}
	x := vae.NewBatch(seqs, nil)
	tape := &grad.Tape{}
	packed := func(of [][][]float64) *grad.Value {
		rows := tape.Zeros(len(x.Symbols), len(of[0][0]))
		for b, at := range x.Rows {
			for step, numbers := range of[at] {
				for j, number := range numbers {
					rows.Row(x.Steps.Offset[step] + b)[j] = Float(number)
				}
			}
		}
		return rows
	}
	variant, p := v.Build(vae.Builder{}), &nn.Pass{Tape: tape}
	q = variant.Steps(p, packed(m), packed(s), x).(vae.Gaussian)
	return q, variant.Penalty(p, &vae.Terms{Q: q})
}

// TestGoldenTWR: what is charged over all steps and over the last half, the KL of each step, and the rate of each z.
func TestGoldenTWR(t *testing.T) {
	var want struct {
		Mu, Logvar            [][][]float64
		KL                    [][]float64 `json:"kl_t"`
		Penalty, Rate, Last50 float64
		Modes                 map[string]struct{ Rate float64 }
		Tol                   float64
	}
	golden(t, "twr.json", &want)
	for charge, nats := range map[string]float64{"all": want.Penalty, "last50": want.Last50, "last1": want.Rate} {
		q, penalty := stepwise(t, TWRVAE{Charge: charge, Z: "last"}, want.Mu, want.Logvar)
		near(t, charge, penalty.Data, []float64{nats}, want.Tol)
		near(t, charge+": rate", []Float{Float(meanKL(q))}, []float64{want.Rate}, want.Tol)
	}
	if len(want.Modes) != 2 {
		t.Errorf("the golden has modes %v", want.Modes)
	}
	for z, mode := range want.Modes {
		q, penalty := stepwise(t, TWRVAE{Charge: "all", Z: z}, want.Mu, want.Logvar)
		near(t, z+": penalty", penalty.Data, []float64{want.Penalty}, want.Tol)
		near(t, z+": rate", []Float{Float(meanKL(q))}, []float64{mode.Rate}, want.Tol)
	}
	for b := range want.Mu { // sentences that end early
		sum := want.KL[b][0]
		for end, nats := range want.KL[b][1:] {
			sum, end = sum+nats, end+2
			q, penalty := stepwise(t, TWRVAE{Charge: "all", Z: "last"}, [][][]float64{want.Mu[b][:end]}, [][][]float64{want.Logvar[b][:end]})
			near(t, "KL of a step", []Float{Float(meanKL(q))}, []float64{nats}, want.Tol)
			near(t, "penalty until a step", penalty.Data, []float64{sum / float64(end)}, want.Tol)
		}
	}
}

// TestTheoremTWR: each sentence is by itself, whatever is in its batch. A sentence of equal steps is charged its KL. The part
// of the steps that is charged is rounded, ties to even, and never empty.
func TestTheoremTWR(t *testing.T) {
	rows := func(T int, grows float64) (all [][]float64) {
		for step := range T {
			all = append(all, []float64{0.5 + grows*float64(step), -0.3, 0.2 * grows * float64(step%3)})
		}
		return all
	}
	m, s := [][][]float64{rows(7, 0.2), rows(4, -0.3), rows(2, 1)}, [][][]float64{rows(7, -0.2), rows(4, 0.1), rows(2, -1)}
	for _, charge := range []string{"all", "last75", "last50", "last25", "last1"} {
		for _, z := range []string{"last", "mean", "sum"} {
			v := TWRVAE{Charge: charge, Z: z}
			q, _ := stepwise(t, v, m, s)
			for b := range m {
				one, penalty := stepwise(t, v, m[b:b+1], s[b:b+1])
				for k, part := range one.Parts() {
					want := make([]float64, len(part.Data))
					for j, x := range part.Data {
						want[j] = float64(x)
					}
					near(t, charge+" "+z+": a part of a sentence in its batch", q.Parts()[k].Row(b), want, 1e-12)
				}
				if equal, charged := stepwise(t, v, [][][]float64{rows(5, 0)}, [][][]float64{rows(5, 0)}); z == "last" {
					near(t, charge+": penalty of equal steps", charged.Data, []float64{meanKL(equal)}, 1e-12)
				} else if one.KL().RowSums().Data[0] == penalty.Data[0] {
					t.Errorf("%s %s: the rate is what is charged", charge, z)
				}
			}
		}
	}
	for charge, want := range map[string][]int{
		"all": {1, 2, 3, 4, 5, 6, 7}, "last75": {1, 2, 2, 3, 4, 4, 5}, "last50": {1, 1, 2, 2, 2, 3, 4}, "last25": {1, 1, 1, 1, 1, 2, 2}, "last1": {1, 1, 1, 1, 1, 1, 1},
	} {
		for i, n := range want {
			if got := (TWRVAE{Charge: charge}).charged(i + 1); got != n {
				t.Errorf("%s: %d of %d steps, want %d", charge, got, i+1, n)
			}
		}
	}
}

// TestTWRConformance: TestConformance has the z of the last step.
func TestTWRConformance(t *testing.T) {
	for _, z := range []string{"mean", "sum"} {
		for _, fault := range append(faultsOf(TWRVAE{Charge: "last50", Z: z}, 1), wrongRate(TWRVAE{Charge: "last50", Z: z})...) {
			t.Errorf("%s: %s", z, fault)
		}
	}
}
