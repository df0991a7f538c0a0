package data

import (
	"vaelab/internal/stream"
	"vaelab/internal/vae"
)

// greyMode leaves values as they are: real numbers.
const greyMode = "none"

// pixelKind is the kind of images whose values become pixels in that way.
func pixelKind(mode string) vae.Kind {
	if mode == greyMode {
		return vae.Vector
	}
	return vae.Image
}

// binarise makes pixels that are 0 or 1 of values in [0,1], in place:
//
//	dynamic    train keeps its values as probabilities, drawn from anew at each training
//	           step; valid and test are drawn once
//	static     every split is drawn once
//	threshold  a pixel is 1 if its value is above the threshold
//	none       values stay; they are real numbers
//
// Draws are x ~ Bernoulli(value), example i of a split from a stream of its own, so that it
// depends neither on the trial's seed nor on the number of examples. Values that are 0 or 1
// already stay what they are.
//
// Source: Salakhutdinov & Murray 2008, "On the Quantitative Analysis of Deep Belief
// Networks", for static; Burda et al. 2016, "Importance Weighted Autoencoders" (arXiv
// 1509.00519), for dynamic.
func (s *Set) binarise(mode string, threshold float64, seed uint64) {
	if mode == greyMode {
		s.Real = true
		return
	}
	for _, split := range []struct {
		name string
		*Split
	}{{"train", &s.Train}, {"valid", &s.Valid}, {"test", &s.Test}} {
		switch {
		case mode == "threshold":
			for _, row := range split.Values {
				for p, v := range row {
					row[p] = pixel(float64(v) > threshold)
				}
			}
		case !grey(split.Values):
		case mode == "dynamic" && split.name == "train":
			s.Grey, s.Train.Grey = true, true
		default:
			for i, row := range split.Values {
				draw := stream.New(seed, "binarise", split.name, i)
				for p, v := range row {
					row[p] = pixel(draw.Float64() < float64(v))
				}
			}
		}
	}
}

// pixel is 1 for ink.
func pixel(ink bool) float32 {
	if ink {
		return 1
	}
	return 0
}

// grey tells whether a value is neither 0 nor 1.
func grey(rows [][]float32) bool {
	for _, row := range rows {
		for _, v := range row {
			if v != 0 && v != 1 {
				return true
			}
		}
	}
	return false
}
