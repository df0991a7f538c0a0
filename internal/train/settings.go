// Package train runs one trial: it builds the model, trains it, measures, and saves checkpoints from which
// a killed trial resumes.
package train

import (
	"embed"

	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/nn"
	"vaelab/internal/optim"
	"vaelab/internal/record"
	"vaelab/internal/vae"
)

// Source is where the settings of this package are explained.
//
//go:embed settings.go
var Source embed.FS

// A Trial is one run of an experiment, fully resolved.
type Trial struct {
	record.Trial
	Data    data.Source
	Model   models.Model
	Methods []vae.Method
	KL      optim.KLSchedule
	Train   Settings
}

// weigher is what sets the weight of the penalty: the variant, or the schedule of section kl.
func (t Trial) weigher(v vae.Variant) vae.Weigher {
	if v.Weigher != nil {
		return v.Weigher
	}
	return t.KL
}

// Settings say how a trial trains. A step's loss is the mean over the batch of the
// reconstruction, summed over the symbols of a sentence, plus the KL weight times the penalty.
type Settings struct {
	// Epochs is the largest number of passes over the training data.
	Epochs int `yaml:"epochs" range:"[1,1000000]" alias:"max_epochs|num_epochs|num_train_epochs|n_epochs"`
	// MaxSteps is the largest number of training steps; 0 is no limit.
	MaxSteps int `yaml:"max_steps" range:"[0,inf)" alias:"training_steps|total_steps|max_iters|num_steps"`
	// BatchSize is the number of sentences in a step, at most; a batch of one is never trained on.
	BatchSize int `yaml:"batch_size" range:"[2,1000000]" alias:"bs|train_batch_size|per_device_train_batch_size"`
	// Batching fills a batch with sentences of one length (length, as the reference code does), of any lengths
	// (mixed), or of neighbouring lengths (near). A batch of one sentence is not trained on: with length, a
	// sentence whose length no other has is never trained on. With near every sentence is, in full batches.
	Batching vae.Batching `yaml:"batching" choice:"length|mixed|near"`
	// Optimizer is SGD or Adam; Adam with WeightDecay is AdamW.
	Optimizer string `yaml:"optimizer" registry:"optimizer" alias:"opt"`
	// LR is the learning rate.
	LR float64 `yaml:"lr" range:"(0,inf)" alias:"learning_rate|LR"`
	// Momentum is mu of SGD: v = mu v + g, w -= lr v, as in PyTorch. It has no effect on Adam.
	Momentum float64 `yaml:"momentum" range:"[0,1)" neutral:"0"`
	// WeightDecay is lambda of decoupled weight decay: each step multiplies weights by 1 - lr lambda first,
	// with either optimizer. It acts on matrices only: not on biases, gains or the parameters of a variant.
	WeightDecay float64 `yaml:"weight_decay" range:"[0,inf)" alias:"wd" neutral:"0"`
	// Clip is the largest global norm of the gradient; 0 does not clip.
	Clip float64 `yaml:"clip" range:"[0,inf)" alias:"clip_grad|max_grad_norm|grad_clip|gradient_clip_val"`
	// Decay lowers the learning rate on a plateau of the validation objective.
	Decay optim.Decay `yaml:"decay"`
	// Stop ends training when a validation metric has stopped improving; Epochs is the most then.
	Stop optim.Stop `yaml:"stop"`
	// LogEvery is the number of steps between rows of split train.
	LogEvery int `yaml:"log_every" range:"[1,inf)" alias:"niter|log_interval|logging_steps|log_every_n_steps|print_every"`
	// EvalEvery is the number of epochs between evaluations on the validation split.
	EvalEvery int `yaml:"eval_every" range:"[1,inf)" alias:"check_val_every_n_epoch"`
	// LagEvery is the number of steps between measurements of the inference lag, on the first 200
	// validation examples, from step 0 to the end; 0 leaves them out. It needs a model with one latent
	// dimension. A measurement takes as long as 80 to 320 evaluations of those examples.
	LagEvery int `yaml:"lag_every" range:"[0,inf)" neutral:"0"`
	// Precision is that of the operands of matrix products with weights, forward and backward: those of linear
	// layers, output layers, LSTMs and convolutions. bf16 rounds both operands to bfloat16. Everything else is float32:
	// sums, weights, the optimizer's state, and products without weights, such as those of attention. It is faster
	// only on processors with AVX512_BF16; the bytes are the same on others.
	Precision string `yaml:"precision" choice:"float32|bf16" neutral:"float32"`
	// Report says which weights are tested and saved: the last, or those with the lowest
	// validation objective. Evaluations before the KL weight is final do not count.
	Report string `yaml:"report" choice:"best|last"`
	// IWSamples is the number of z for the importance-weighted likelihood of the test split;
	// 0 leaves it out. The papers use 500; the test then takes as long as about 500 evaluations.
	IWSamples int `yaml:"iw_samples" range:"[0,100000]" alias:"iw_nsamples"`
	// Probe adds the accuracy of linear probes of mu, trained on 100 to 10000 labels, to
	// the test row, if the data have labels.
	Probe bool `yaml:"probe"`
}

// BF16 tells whether the model's products are of bfloat16.
func (s Settings) BF16() bool { return s.Precision == "bf16" }

// CheckPrecision returns an error if this program does not have the precision.
func (s Settings) CheckPrecision() error {
	_, err := nn.ProductsIn(s.Precision)
	return err
}

// Defaults are the settings of a trial that says nothing.
var Defaults = Settings{
	Epochs: 10, BatchSize: 32, Batching: vae.ByLength, Optimizer: "adam", LR: 1e-3, Clip: 5,
	Decay: optim.DefaultDecay, Stop: optim.DefaultStop, LogEvery: 20, EvalEvery: 1, Precision: "float32", Report: "last",
}
