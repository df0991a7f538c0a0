package generate

import (
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

// Autoregressive reports whether a decoder of images reads the pixels before each, so that an
// image has no probabilities of pixels but only draws and modes.
func Autoregressive(d vae.Predictor) bool {
	a, ok := d.(vae.Autoregressive)
	return ok && a.Autoregressive()
}

// Means are the means of p(x|z), P numbers, for each row of z: what a decoder of vectors says.
func Means(d vae.Predictor, z tensor.Matrix, P int) [][]float32 {
	return each(d, z, P, func(mean float64) float64 { return mean })
}

// PixelMeans are the probabilities of P pixels being 1, for each row of z. They are those of an
// image only if the decoder is not [vae.Autoregressive].
func PixelMeans(d vae.Predictor, z tensor.Matrix, P int) [][]float32 {
	return each(d, z, P, sigmoid)
}

// each is the decoder's P predictions for each row of z, through f.
func each(d vae.Predictor, z tensor.Matrix, P int, f func(float64) float64) [][]float32 {
	p, out := pass(), blank(z.Rows, P)
	for rows := range chunks(z.Rows, P) {
		v := predict(p, d, z, rows, some(out, rows))
		for k, i := range rows {
			for j, l := range v.Row(k) {
				out[i][j] = float32(f(float64(l)))
			}
		}
		p.Tape.Reset()
	}
	return out
}

// PixelSamples draws an image of P pixels for each row of z: pixel j is 1 with the probability
// sigmoid(logit_j / temperature), given z and, if the decoder is autoregressive, the pixels drawn
// before it. A temperature towards 0 is PixelModes. It panics unless the temperature is positive.
func PixelSamples(d vae.Predictor, z tensor.Matrix, P int, temperature float64, noise Noise) [][]float32 {
	positive("PixelSamples", temperature)
	threshold := make([][]float64, z.Rows)
	for i, rng := range streams(z.Rows, noise) {
		threshold[i] = make([]float64, P)
		for j := range threshold[i] {
			u := rng.Float64()
			threshold[i][j] = temperature * (math.Log(u) - math.Log1p(-u)) // sigmoid(logit/temperature) > u
		}
	}
	return settle(d, z, threshold)
}

// PixelModes is an image of P pixels for each row of z in which every pixel is the likelier of 0
// and 1, given z and, if the decoder is autoregressive, the pixels before it.
func PixelModes(d vae.Predictor, z tensor.Matrix, P int) [][]float32 {
	threshold := make([][]float64, z.Rows)
	for i := range threshold {
		threshold[i] = make([]float64, P)
	}
	return settle(d, z, threshold)
}

// settle makes the images in which a pixel is 1 if its logit, given the pixels before it, is
// above its threshold: what P passes would make that each fix one pixel. But each pass
// here sets all pixels, and the images that it does not change are done. After pass t at least
// the first t pixels are those of the slow way, and an image that a pass leaves alone fulfils all
// that the slow way asks; a decoder without regard to other pixels is done at once.
//
// Source: Song et al. 2021, "Accelerating feedforward computation via parallel nonlinear equation
// solving", the Jacobi iteration (arXiv 2002.03629); for pixels also Wiggers & Hoogeboom 2020,
// "Predictive sampling with forecasting autoregressive models" (arXiv 2002.09928).
func settle(d vae.Predictor, z tensor.Matrix, threshold [][]float64) [][]float32 {
	P := len(threshold[0])
	p, out := pass(), blank(z.Rows, P)
	for open := range chunks(z.Rows, P) {
		for t := 0; t < P && len(open) > 0; t++ {
			logits := predict(p, d, z, open, some(out, open))
			var changed []int
			for k, i := range open {
				if set(out[i], logits.Row(k), threshold[i]) {
					changed = append(changed, i)
				}
			}
			open = changed
			p.Tape.Reset()
			if !Autoregressive(d) {
				break
			}
		}
	}
	return out
}

// set makes pixels of logits and reports whether any has changed.
func set(pixels []float32, logits []Float, threshold []float64) (changed bool) {
	for j, l := range logits {
		var pixel float32
		if float64(l) > threshold[j] {
			pixel = 1
		}
		changed = changed || pixel != pixels[j]
		pixels[j] = pixel
	}
	return changed
}

// chunks are the rows 0 to n-1 in groups whose images of P pixels are made at once.
func chunks(n, P int) iter.Seq[[]int] {
	const pixels = 1 << 15 // a decoder keeps many numbers for each of them
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return slices.Chunk(rows, max(1, pixels/P))
}

// some are the rows of x with these numbers.
func some(x [][]float32, rows []int) [][]float32 {
	out := make([][]float32, len(rows))
	for k, i := range rows {
		out[k] = x[i]
	}
	return out
}

// blank is n rows of P zeros.
func blank(n, P int) [][]float32 {
	x := make([][]float32, n)
	for i := range x {
		x[i] = make([]float32, P)
	}
	return x
}

// streams are the random numbers of n rows.
func streams(n int, noise Noise) []*rand.Rand {
	out := make([]*rand.Rand, n)
	for i := range out {
		out[i] = noise(i)
	}
	return out
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
