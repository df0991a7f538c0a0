package data

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestLeaks: a test set that was taken from train is found by its content, and sentences that recur by chance are not
// taken for it.
func TestLeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n, length, words int) (lines []string) {
		for range n {
			var w []string
			for range length {
				w = append(w, fmt.Sprintf("w%d", rng.IntN(words)))
			}
			lines = append(lines, strings.Join(w, " "))
		}
		return lines
	}
	long, short := draw(1000, 12, 50), draw(1000, 2, 30)
	for name, c := range map[string]struct {
		train, test []string
		says        string
	}{
		"others":               {long, draw(200, 12, 50), ""},
		"half of it":           {long, append(draw(100, 12, 50), long[:100]...), "test.txt: 100 of 200 test sentences (50 %) are also in train; in train, 0 % of the sentences are repeated"},
		"2 %":                  {long, append(draw(490, 12, 50), long[:10]...), "10 of 500 test sentences (2 %)"},
		"three":                {long, append(draw(90, 12, 50), long[:3]...), ""},
		"short":                {short, draw(200, 2, 30), ""}, // two of three occur twice
		"short, and a part":    {draw(1000, 2, 100), append(draw(150, 2, 100), draw(50, 2, 100)...), ""},
		"unknown words":        {draw(300, 3, 400), draw(200, 3, 4000), ""},
		"one line":             {append(draw(40, 5, 50), strings.Split(strings.Repeat("a b\n", 59)+"a b", "\n")...), nil, "train.txt: 60 of 100 sentences are the same one"},
		"nothing but one line": {strings.Split(strings.Repeat("a b\n", 9)+"a b", "\n"), nil, "10 of 10 sentences are the same one"},
	} {
		cfg := text(t)
		cfg.Train = write(t, "train.txt", strings.Join(c.train, "\n"))
		if c.test != nil {
			cfg.Test = write(t, "test.txt", strings.Join(c.test, "\n"))
		}
		if name == "unknown words" {
			cfg.MinCount = 3
		}
		var got []string
		for _, w := range load(t, cfg).Warnings {
			if s := w.Error(); !strings.Contains(s, "without any word") {
				got = append(got, s)
			}
		}
		if all := strings.Join(got, "\n"); c.says == "" && all != "" || !strings.Contains(all, c.says) {
			t.Errorf("%s: %q, want %q", name, all, c.says)
		}
	}
}

// TestLeaksHaveFewFalseAlarms: train and test are drawn alike from few sentences, 300 times.
func TestLeaksHaveFewFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func(n int) (s Split) {
		for range n {
			s.Values = append(s.Values, []float32{float32(rng.IntN(4000))})
		}
		return s
	}
	alarms := 0
	for range 300 {
		alarms += len(repeatDoubts([][]uint64{draw(1000).keys(), nil, draw(200).keys()}, []string{"train", "", "test"}, "images"))
	}
	if alarms > 12 { // repetitions come in pairs, so that three standard errors are a little less
		t.Errorf("%d alarms in 300 sets without a leak", alarms)
	}
	t.Logf("%d alarms in 300 sets without a leak", alarms)
}

// TestLeaksOfImages: the pixels of images decide, before they are drawn.
func TestLeaksOfImages(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	pixels := func(n int) []byte {
		p := make([]byte, n*16)
		for i := range p {
			p[i] = byte(rng.IntN(256))
		}
		return p
	}
	file := func(name string, p []byte) string {
		n := len(p) / 16
		return write(t, name, "\x00\x00\x08\x03"+string([]byte{0, 0, byte(n >> 8), byte(n)})+"\x00\x00\x00\x04\x00\x00\x00\x04"+string(p))
	}
	train := pixels(200)
	c := Images{Binarise: "dynamic", Train: file("train", train), Test: file("test", append(pixels(20), train[:20*16]...))}
	if got := fmt.Sprint(load(t, c).Warnings); !strings.Contains(got, "20 of 40 test images (50 %) are also in train") {
		t.Errorf("warnings %s", got)
	}
	c.Test = file("test", pixels(40))
	if got := load(t, c).Warnings; len(got) != 0 {
		t.Errorf("warnings %v", got)
	}
}
