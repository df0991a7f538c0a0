package variants

import (
	"math"
	"slices"
	"testing"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// TestWordDropout: <unk> takes the share of the words asked for, at random, but neither <s> nor anything in evaluation.
// Inputless takes all, in evaluation too.
func TestWordDropout(t *testing.T) {
	seqs := make([][]int32, 400)
	for i := range seqs {
		seqs[i] = []int32{1, 4, 5, 6, 7, 8, 4, 5, 6, 7, 8, 2}
	}
	x := vae.NewBatch(seqs, nil)
	read := func(method vae.Method, train bool) (in []int32, share float64) {
		p := &nn.Pass{Tape: &grad.Tape{}, Train: train}
		if train {
			p.Drop = stream.New(1, "drop")
		}
		in = method.Build(vae.Builder{}).Inputs(p, x)
		for i, w := range in {
			switch {
			case w == vae.Unk && x.In[i] != 1:
				share += 1 / float64(len(in)-x.B())
			case w != x.In[i]:
				t.Fatalf("row %d: %d was replaced by %d", i, x.In[i], w)
			}
		}
		return in, share
	}
	n := float64(len(x.In) - x.B())
	if _, share := read(WordDropout{Share: 0.3}, true); math.Abs(share-0.3) > 4*math.Sqrt(0.3*0.7/n) {
		t.Errorf("%.3f of the words are gone, want 0.3", share)
	}
	if got, _ := read(WordDropout{Share: 0.3}, false); !slices.Equal(got, x.In) {
		t.Error("evaluation drops words")
	}
	for _, train := range []bool{true, false} {
		if _, share := read(Inputless{}, train); math.Abs(share-1) > 1e-9 {
			t.Errorf("train %t: a decoder without inputs misses a share of %v", train, share)
		}
	}
	if slices.Contains(x.In, vae.Unk) {
		t.Error("the batch itself was changed")
	}
}

// TestBagOfWords: with equal logits each word and </s> costs weight ln V nats, whatever z.
func TestBagOfWords(t *testing.T) {
	const weight = 0.5
	b := newBench(BagOfWords{Weight: weight, Hidden: 2, Init: "he19"}, 0)
	clear(b.params.Get("decoder.bag_linear.weight").Data)
	with, terms := b.pass(true, false)
	words := 0
	for _, seq := range b.x.Seqs {
		words += len(seq) - 1
	}
	want := weight * float64(words) / testB * math.Log(float64(testSpace.V))
	plain := -terms.Rec.Mean().Scalar() + 0.7*terms.Penalty.Scalar()
	if got := with - plain; math.Abs(got-want) > 1e-5*(1+want) || terms.Extra != nil {
		t.Errorf("the bag adds %v nats, want %v; extra %v", got, want, terms.Extra)
	}
	without, terms := b.pass(false, false)
	if plain := -terms.Rec.Mean().Scalar() + 0.7*terms.Penalty.Scalar(); math.Abs(without-plain) > 1e-5 {
		t.Errorf("evaluation: loss %v, of its terms %v", without, plain)
	}
}
