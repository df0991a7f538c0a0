// Package variants has the methods against posterior collapse, one per file.
//
// A method is a struct: its fields are the keys of YAML files, the registered value has the
// defaults, its doc comment states formula and source, and Build is the method. To add one,
// write one file. `vaelab list`, the YAML reader, the figures and the conformance test then
// include it.
package variants

import (
	"embed"
	"fmt"

	"vaelab/internal/nn"
	"vaelab/internal/registry"
	"vaelab/internal/tensor"
	"vaelab/internal/vae"
)

//go:embed *.go
var source embed.FS

// Methods are all methods by name.
var Methods = registry.New[vae.Method]("variant", source)

// Float is the engine's number.
type Float = tensor.Float

// A Bounded method says in a phrase what it keeps the rate to whatever training does, such as "KL >= D delta", or "none".
// Every registered method does.
type Bounded interface{ RateBound() string }

// Build makes the methods named in a trial into one variant; it fails if two of them act
// at the same seam.
func Build(b vae.Builder, methods ...vae.Method) (vae.Variant, error) {
	built := make([]vae.Variant, len(methods))
	for i, m := range methods {
		built[i] = m.Build(b)
		built[i].Name = Methods.NameOf(m)
	}
	return vae.Compose(built...)
}

// Check tells whether the methods can be one variant at all, before there is a model.
func Check(methods ...vae.Method) (v vae.Variant, err error) {
	builder := func() vae.Builder {
		return vae.Builder{
			Params: new(nn.Params), D: 2, Space: vae.Space{Kind: vae.Text, V: 4, MaxLen: 3}, Model: &vae.Model{},
			Encoder: func(string) vae.Encoder { return nil }, Decoder: func(string) vae.Decoder { return nil },
			Follower: func(string) (vae.Encoder, func(float64)) { return nil, nil },
			Data:     func(int) *vae.Batch { return nil },
			Given:    &vae.Given{C: 2},
		}
	}
	alone := make([]vae.Variant, len(methods)) // so that two which make the same parameter have a better error
	for i, m := range methods {
		if alone[i], err = Build(builder(), m); err != nil {
			return vae.Variant{}, err
		}
	}
	if len(alone) == 1 {
		return alone[0], nil
	}
	if _, err := vae.Compose(alone...); err != nil {
		return vae.Variant{}, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("these variants cannot be combined: %v", r)
		}
	}()
	return Build(builder(), methods...)
}

// A fitting method needs certain numbers of latent dimensions.
type fitting interface{ fits(D int) error }

// Fits tells whether the methods go with a model of D latent dimensions.
func Fits(methods []vae.Method, D int) error {
	for _, m := range methods {
		if f, ok := m.(fitting); ok {
			if err := f.fits(D); err != nil {
				return err
			}
		}
	}
	return nil
}

// An exact number is the sum of two in a buffer: in float32 a small change of a controller's memory would be lost beside a
// number near 1.
type exact struct{ *nn.Param }

// newExact makes a buffer of that name for a number.
func newExact(b vae.Builder, name string, first float64) exact {
	return exact{b.Params.Buffer(name, nn.Constant(first/2), 2)}
}

func (x exact) get() float64 { return float64(x.Data[0]) + float64(x.Data[1]) }

func (x exact) set(v float64) {
	x.Data[0] = Float(v)
	x.Data[1] = Float(v - float64(x.Data[0]))
}

// A streak counts the values in a row that were below the largest before them, in a buffer.
type streak struct{ exact } // the largest; then whether there was a value, and the count

func newStreak(b vae.Builder, name string) streak {
	return streak{exact{b.Params.Buffer(name, nn.Constant(0), 4)}}
}

// after is the length of the streak after one more value.
func (s streak) after(v float64) int {
	if s.Data[2] == 0 || v >= s.get() {
		s.set(v)
		s.Data[2], s.Data[3] = 1, 0
	} else {
		s.Data[3]++
	}
	return int(s.Data[3])
}

// perDim is a gauge of one number per latent dimension; doc says in one line what it is.
func perDim(name, doc string, D int, f func(j int) float64) vae.Gauge {
	g := vae.Gauge{Name: name, Doc: doc, Values: make([]float64, D)}
	for j := range g.Values {
		g.Values[j] = f(j)
	}
	return g
}

// bySize remembers what f makes for each size of a batch, so that a warm step allocates nothing for it.
func bySize[T any](f func(B int) T) func(B int) T {
	known := map[int]T{}
	return func(B int) T {
		v, ok := known[B]
		if !ok {
			v = f(B)
			known[B] = v
		}
		return v
	}
}
