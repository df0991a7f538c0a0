package models

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"vaelab/internal/grad"
	"vaelab/internal/nn"
	"vaelab/internal/vae"
)

// PixelCNN is an image VAE with a ResNet encoder and an autoregressive decoder of masked
// convolutions, which is strong enough to ignore z.
//
//	encoder   h = f(conv f(conv h) + conv h) for each stage, at half the size each;
//	          m, s = W f(V h + a) + b
//	decoder   Z = W z, z_maps feature maps as large as the image, which it sees whole
//	          h = conv_A(x) + conv(Z)               the pixels before each pixel
//	          h = h + conv_B(f(h))                  for each further kernel
//	          logit = W f(V f(h) + a) + b           pixel by pixel
//	          ln p(x|z) = Σ_j ln Bernoulli(x_j; sigmoid(logit_j)),  x_1 ... x_{j-1} known
//
// f is the activation. Kernels, channels and Z are those of the reference's settings; the
// decoder that its code builds ignores the first two and has thirteen bottleneck blocks of 64
// channels with batch normalisation. Here a block is one convolution and nothing is
// normalised, so that an example's likelihood never depends on its neighbours, in training
// either; blocks start small instead, with a variance of 1/blocks.
//
// Source: He et al. 2019, jxhe/vae-lagging-encoder (arXiv 1901.05534), its OMNIGLOT experiment;
// van den Oord et al. 2016, "Pixel recurrent neural networks" (arXiv 1601.06759).
type PixelCNN struct {
	// LatentDim is d, the number of latent dimensions.
	LatentDim int `yaml:"latent_dim" range:"[1,100000]" alias:"nz|latent_size|dim_z|z_dim|num_latent|n_latent"`
	// EncStages is the number of the encoder's blocks, each of which halves height and width.
	EncStages int `yaml:"enc_stages" range:"[1,10]"`
	// EncChannels is the number of channels of each.
	EncChannels int `yaml:"enc_channels" range:"[1,10000]"`
	// EncHidden is the size of the layer above them.
	EncHidden int `yaml:"enc_hidden" range:"[1,100000]" alias:"enc_nh"`
	// Kernels are the sizes of the decoder's layers, odd numbers with commas between, the
	// first 3 at least.
	Kernels string `yaml:"kernels" alias:"dec_kernel_size"`
	// Channels is the number of channels of each.
	Channels int `yaml:"channels" range:"[1,10000]" alias:"dec_channels"`
	// ZMaps is the number of feature maps that z becomes.
	ZMaps int `yaml:"z_maps" range:"[1,1000]" alias:"latent_feature_map|fm_latent"`
	// Activation is f.
	Activation string `yaml:"activation" choice:"elu|relu"`
}

func init() {
	Models.Add("pixelcnn", PixelCNN{
		LatentDim: 32, EncStages: 3, EncChannels: 64, EncHidden: 512,
		Kernels: "9,9,9,7,7,7,5,5,5,3,3,3", Channels: 32, ZMaps: 4, Activation: "elu",
	})
}

// Latent is d.
func (m PixelCNN) Latent() int { return m.LatentDim }

// Fits: images only, and kernels that can be read.
func (m PixelCNN) Fits(s vae.Space) error {
	if err := s.Want("pixelcnn", vae.Image); err != nil {
		return err
	}
	_, err := m.kernels()
	return err
}

// kernels are the sizes as numbers.
func (m PixelCNN) kernels() ([]int, error) {
	var sizes []int
	for i, word := range strings.Split(m.Kernels, ",") {
		k, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || k%2 == 0 || k < 1 || k > 99 {
			return nil, fmt.Errorf("kernels: %q is not an odd number from 1 to 99; write sizes like 7,5,3", word)
		}
		if i == 0 && k == 1 {
			return nil, fmt.Errorf("kernels: the first must be 3 at least, because a layer that sees no pixel but its own must not see that one either")
		}
		sizes = append(sizes, k)
	}
	return sizes, nil
}

// FlopsPerToken is 6 for each weight, times the share of the pixels that it meets.
func (m PixelCNN) FlopsPerToken(s vae.Space) float64 {
	P, D, C, H := float64(s.Size()), float64(m.LatentDim), float64(m.Channels), float64(m.EncHidden)
	height, width, in, out := s.Height, s.Width, 1.0, float64(m.EncChannels)
	once := D*P*float64(m.ZMaps) + 2*H*D // for an image
	for range m.EncStages {
		height, width = (height+1)/2, (width+1)/2
		once += float64(height*width) * (9*in + 9*out + in) * out
		in = out
	}
	once += float64(height*width) * out * H
	kernels, _ := m.kernels()
	each := C*C + C // for a pixel
	for i, k := range kernels {
		if i == 0 {
			each += float64(k*k/2+k*k*m.ZMaps) * C
			continue
		}
		each += float64(k*k/2+1) * C * C
	}
	return 6 * (once/P + each)
}

// Encoder makes encoder.stage.i.first, .second and .direct, encoder.hidden and encoder.linear.
func (m PixelCNN) Encoder(ps *nn.Params, s vae.Space, raw vae.Raw) vae.Encoder {
	e := &resNet{activation: m.Activation, d: m.LatentDim}
	height, width, in, C := s.Height, s.Width, 1, m.EncChannels
	for i := range m.EncStages {
		half, full := grad.NewWindow(height, width, 2, grad.Square(3)), grad.NewWindow(height, width, 2, grad.Square(1))
		height, width = half.Out()
		name := fmt.Sprintf("encoder.stage.%d", i)
		e.stages = append(e.stages, resStage{
			first:  nn.NewConv(ps, name+".first", half, in, C, nn.He(9*in)),
			second: nn.NewConv(ps, name+".second", grad.NewWindow(height, width, 1, grad.Square(3)), C, C, nn.He(9*C)),
			direct: nn.NewConv(ps, name+".direct", full, in, C, nn.He(in)),
		})
		in = C
	}
	flat := height * width * C
	e.hidden = nn.NewAffine(ps, "encoder.hidden", flat, m.EncHidden, nn.FanIn(flat))
	e.linear = nn.NewAffine(ps, "encoder.linear", m.EncHidden, outputs(raw, m.LatentDim), nn.FanIn(m.EncHidden))
	return e
}

// Decoder makes decoder.maps, decoder.image, decoder.z, decoder.block.i, decoder.hidden and
// decoder.linear.
func (m PixelCNN) Decoder(ps *nn.Params, s vae.Space) vae.Decoder {
	kernels, err := m.kernels()
	if err != nil {
		panic("models: pixelcnn: " + err.Error()) // Fits has said so
	}
	window := func(taps []grad.Tap) *grad.Window { return grad.NewWindow(s.Height, s.Width, 1, taps) }
	C, before, around := m.Channels, window(grad.Before(kernels[0])), window(grad.Square(kernels[0]))
	R := reads(m.LatentDim, s)
	fan := len(before.Taps) + len(around.Taps)*m.ZMaps
	d := &pixelCNN{
		maps: nn.NewLinear(ps, "decoder.maps", R, s.Size()*m.ZMaps, nn.FanIn(R)),
		// One bias is enough for the sum of the two.
		image:      nn.Conv{Window: before, Weight: ps.New("decoder.image.weight", nn.He(fan), C, len(before.Taps))},
		z:          nn.NewConv(ps, "decoder.z", around, m.ZMaps, C, nn.He(fan)),
		activation: m.Activation,
	}
	for i, k := range kernels[1:] {
		taps := grad.UpTo(k)
		small := nn.Normal(math.Sqrt(2 / float64(len(taps)*C*(len(kernels)-1))))
		d.blocks = append(d.blocks, nn.NewConv(ps, fmt.Sprintf("decoder.block.%d", i+1), window(taps), C, C, small))
	}
	d.hidden = nn.NewAffine(ps, "decoder.hidden", C, C, nn.FanIn(C))
	d.linear = nn.NewAffine(ps, "decoder.linear", C, 1, nn.FanIn(C))
	return d
}

type resNet struct {
	stages         []resStage
	hidden, linear nn.Affine
	activation     string
	d              int
}

// A resStage halves height and width; direct is the way past the other two.
type resStage struct{ first, second, direct nn.Conv }

// Encode reads an image at ever coarser scales.
func (e *resNet) Encode(p *nn.Pass, x *vae.Batch) (m, s *grad.Value) {
	h := x.Numbers(p.Tape).Reshape(len(x.Values.Data), 1) // (B·P, 1)
	for _, c := range e.stages {
		inner := activate(e.activation, c.first.Apply(p, h, nil))
		h = activate(e.activation, c.second.Apply(p, inner, c.direct.Apply(p, h, nil))) // (B·P/4, C)
	}
	flat := h.Reshape(x.B(), len(h.Data)/x.B())
	return split(e.linear.Apply(p, activate(e.activation, e.hidden.Apply(p, flat))), e.d)
}

type pixelCNN struct {
	maps           nn.Linear
	image, z       nn.Conv
	blocks         []nn.Conv
	hidden, linear nn.Affine
	activation     string
}

// LogProb is teacher-forced: each pixel is predicted from z and the true pixels before it.
func (d *pixelCNN) LogProb(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	return d.Predict(p, z, x).Bernoulli(x.Values)
}

// Autoregressive: each pixel is read by those after it.
func (d *pixelCNN) Autoregressive() bool { return true }

// Predict is the pixels' logits, (B, P): each from z and the pixels before it.
func (d *pixelCNN) Predict(p *nn.Pass, z *grad.Value, x *vae.Batch) *grad.Value {
	N := len(x.Values.Data) // B·P
	pixels := p.Tape.Const(x.Values).Reshape(N, 1)
	maps := d.maps.Apply(p, z)
	maps = maps.Reshape(N, len(maps.Data)/N)               // (B·P, z_maps)
	h := d.image.Apply(p, pixels, d.z.Apply(p, maps, nil)) // (B·P, C)
	for _, block := range d.blocks {
		h = block.Apply(p, activate(d.activation, h), h)
	}
	h = activate(d.activation, d.hidden.Apply(p, activate(d.activation, h)))
	return d.linear.Apply(p, h).Reshape(x.B(), N/x.B())
}
