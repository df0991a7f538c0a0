package sweep

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/data"
	"vaelab/internal/registry"
	"vaelab/internal/vae"
)

// A foreign name is one that other programs use for a setting which has another meaning here, is no setting
// here, or is two. Names that mean the same as a setting are its aliases, in the tag alias.
type foreign struct {
	names []string // lower case, words joined by _
	says  string   // what there is here
	never bool     // not understood either where exactly one section has a setting of this name
}

// foreigners are the answers to names in the place of keys. Each names settings that there are (a test holds that).
var foreigners = []foreign{
	// the weight of the KL
	{names: []string{"kld_weight", "m_n", "kld_coef"}, says: "in PyTorch-VAE it weighs the KL against the mean over the values of an example; here the reconstruction is their sum, and kl.beta is kld_weight times the number of values"},
	{names: []string{"kl_weight", "kl_coeff", "kl_coef", "kl_weight_end", "max_kl_weight", "beta_max", "kl_max", "beta_end", "final_beta"}, says: "kl.beta is the final weight of the KL, and kl.schedule says how it gets there"},
	{names: []string{"kl_weight_start", "min_kl_weight", "beta_min", "beta_start"}, says: "kl.start is the weight at step 0 of kl.schedule: linear"},
	{names: []string{"anneal", "annealing", "kl_anneal", "kl_annealing", "anneal_function", "kl_schedule", "beta_schedule"}, says: "kl.schedule is constant, linear, sigmoid, cyclical or cyclical-zero; vaelab list kl explains them"},
	{names: []string{"anneal_steps", "kl_anneal_steps", "n_steps_kl_warmup", "kl_warmup_steps"}, says: "kl: {schedule: linear, warm_up: N, unit: steps} counts the warm-up in steps"},
	{names: []string{"warmup_steps", "num_warmup_steps", "warmup_ratio", "lr_warmup", "warmup_proportion"}, says: "in Optimus and others it warms up the learning rate, which is not done here; kl: {warm_up: N, unit: steps} is that of the KL weight"},
	{names: []string{"cycle", "cycle_length", "kl_cycle"}, says: "kl: {schedule: cyclical, warm_up: EPOCHS, cycles: N} has N cycles within the warm-up; kl.cycles is their number, not their length"},
	{names: []string{"fb", "fb_mode", "free_bits", "freebits", "kl_min", "kl_threshold", "dim_target_kl"}, says: "free bits are a variant, {free-bits: {lambda: NATS, mode: dim}}; variant.free-bits.lambda is summed over the dimensions, as dim_target_kl times latent_dim is; fb 1, 2 and 3 of Li et al. 2019 are the modes mask-example, mask-dim and mask-batch, but fb 3 of bn-vae is the variant delta-vae"},
	{names: []string{"max_capacity", "c_max", "capacity", "capacity_max_iter", "iteration_threshold"}, says: "a rising target of the KL is a variant, {capacity: {c: NATS, gamma: 1000, steps: N}}; variant.capacity.c is summed over the dimensions"},
	{names: []string{"aggressive", "burn"}, says: "aggressive training of the encoder (He et al. 2019) is a variant, {aggressive: {every: 15, most: 100, patience: 1}}; variant.aggressive.patience is 5 for images in the reference code"},
	{names: []string{"reset_dec", "reset_decoder"}, says: "a decoder that is drawn anew after the training of an auto-encoder (Li et al. 2019) is a variant, {fbp: {ae_epochs: N}}; variant.fbp.ae_epochs is the length of that training"},

	// z
	{names: []string{"nsamples", "n_samples", "num_samples", "mc_samples"}, says: "in the reference code it is the number of z of a training step, which is 1 here; train.iw_samples is the number of z of the importance-weighted likelihood of the test (there iw_nsamples); variant.iwae.k is that of a training step on importance weights"},
	{names: []string{"ns"}, says: "in the reference code it cuts the importance-weighted likelihood into pieces, which needs no setting here; train.iw_samples is the number of z"},

	// sizes
	{names: []string{"nh", "nhid", "n_hidden", "hidden_size", "hidden_dim", "dim_h", "h_dim", "rnn_size"}, says: "encoder and decoder have a size each: enc_hidden and dec_hidden of the lstm (there enc_nh and dec_nh); the mlp has one, hidden"},
	{names: []string{"num_layers", "n_layers", "nlayers", "n_layer"}, says: "encoder and decoder have a number each: enc_layers and dec_layers; the mlp has one, layers"},
	{names: []string{"dropout", "dropout_rate", "dropout_prob"}, says: "the lstm has dropout_in of the decoder's embeddings and dropout_out of its outputs, and word_dropout; the transformer has dropout"},

	// the optimiser
	{names: []string{"momentum"}, says: "train.momentum is that of SGD, variant.bn.momentum that of running statistics; write the one that is meant"},
	{names: []string{"l2", "l2_reg", "l2_penalty", "weight_l2", "l2_regularization"}, says: "train.weight_decay shrinks the weights, decoupled from the gradient; a penalty in the loss is not there"},
	{names: []string{"betas", "beta1", "beta2", "adam_epsilon", "adam_eps", "amsgrad"}, says: "Adam has beta1 0.9, beta2 0.999 and eps 1e-8, which are not settings; leave it out"},
	{names: []string{"nesterov", "dampening"}, says: "train.momentum is plain, without nesterov or dampening; leave it out"},
	{names: []string{"scheduler", "lr_scheduler", "lr_schedule", "scheduler_gamma", "milestones", "step_size"}, says: "the learning rate falls on a plateau of the validation objective, by train.decay: {patience, factor, from, max}; there is no other schedule"},
	{names: []string{"reduction", "loss_reduction"}, says: "the reconstruction is a sum over an example's values and a mean over the batch; leave it out"},

	// when training ends
	{names: []string{"early_stopping", "early_stop", "earlystopping", "early_stopping_patience", "early_stopping_rounds", "stop_patience"}, says: "train.stop.patience ends training after so many evaluations without an improvement of train.stop.metric; train.decay.patience lowers the learning rate first"},
	{names: []string{"patience"}, never: true, says: "there are two: train.stop.patience ends training, and train.decay.patience lowers the learning rate, train.decay.max times at most"},
	{names: []string{"monitor", "early_stopping_metric"}, says: "train.stop.metric is what has to improve, and train.report: best tests the best weights"},
	{names: []string{"eval_steps", "eval_interval", "val_check_interval", "valid_every"}, says: "train.eval_every is in epochs"},

	// the file and the command line
	{names: []string{"seed", "manual_seed", "random_seed", "rng_seed", "torch_seed"}, never: true, says: "seeds: at the top of the file has the seeds of all trials, a count or a list such as [1, 2, 5]; data that are drawn have a seed of their own, such as data.synthetic.seed"},
	{names: []string{"trials", "repeats", "n_runs", "num_seeds", "n_seeds", "runs"}, says: "seeds: N at the top of the file trains each setting with N seeds"},
	{names: []string{"name", "exp_name", "experiment_name", "run_name", "project"}, says: "experiment: NAME at the top of the file, or the file's own name, names the results"},
	{names: []string{"device", "devices", "cuda", "use_cuda", "no_cuda", "gpu", "gpus", "gpu_id", "n_gpu", "ngpu", "use_gpu", "accelerator", "mps", "local_rank"}, says: "everything runs on the CPU; leave it out (the flag -j is the number of trials side by side)"},
	{names: []string{"num_workers", "workers", "n_jobs", "num_threads", "threads", "jobs", "parallel"}, says: "the flag -j is the number of trials side by side, GOMAXPROCS that of processors; leave it out"},
	{names: []string{"precision", "dtype", "fp16", "bf16", "amp", "half", "mixed_precision"}, says: "train.precision: bf16 rounds the operands of matrix products; all else is float32, and float64 in a program built with -tags f64"},
	{names: []string{"save_path", "save_dir", "exp_dir", "output_dir", "out_dir", "log_dir", "logdir", "checkpoint_dir", "ckpt_dir", "results_dir"}, says: "the flag --out is the folder of all results"},
	{names: []string{"load_path", "resume", "resume_from", "resume_from_checkpoint", "load_checkpoint"}, says: "a stopped trial resumes when the same command runs again; leave it out"},
	{names: []string{"save_every", "save_steps", "save_interval", "checkpoint_every"}, says: "the flag --checkpoint is the time between two checkpoints"},
	{names: []string{"decoding_strategy", "beam_size", "temperature", "top_k", "top_p"}, says: "vaelab sample and vaelab reconstruct take --decode, --beam and --temperature"},
	{names: []string{"shuffle", "drop_last"}, says: "training data are shuffled in each epoch, and only a batch of one is left out; leave it out"},
	{names: []string{"val_split", "valid_split", "validation_split", "val_fraction", "hold_out"}, says: "data.images.hold_out takes images from the end of train; text has a file for each split, data.text.valid"},
	{names: []string{"eval_batch_size", "test_batch_size", "val_batch_size"}, says: "train.batch_size is that of evaluations, too"},
	{names: []string{"jobid", "taskid", "job_id", "task_id"}, says: "several processes may run the same file at once and share the trials; leave it out"},
	{names: []string{"dataset", "data_name", "corpus", "data_path", "data_dir"}, says: "data: names a kind with its settings, such as data: {text: {train: FILE}}; vaelab list data has all"},
	{names: []string{"model_type", "model_name", "arch", "architecture", "network"}, says: "model: names a kind with its settings, such as model: {lstm: {latent_dim: 32}}; vaelab list models has all"},
	{names: []string{"method", "vae_type", "variants", "regularizer"}, says: "variant: names what is done about the KL, such as variant: {bn: {gamma: 0.5}}; vaelab list variants has all"},
}

// foreignKinds are the answers to names in the place of a value or a kind, by what is chosen.
var foreignKinds = map[string][]foreign{
	"train.optimizer": {
		{names: []string{"adamw"}, says: "adam with train.weight_decay is AdamW; its weight_decay in PyTorch is 0.01 if none is given"},
		{names: []string{"sgdm", "momentum"}, says: "sgd with train.momentum is it"},
		{names: []string{"nesterov", "nag", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "lion", "lamb", "lbfgs"}, says: "there are sgd, with train.momentum, and adam"},
	},
	"kl.schedule": {
		{names: []string{"monotonic", "warmup", "warm_up", "ramp"}, says: "linear is it"},
		{names: []string{"logistic"}, says: "sigmoid is it"},
		{names: []string{"none", "fixed", "off"}, says: "constant is it"},
		{names: []string{"cosine"}, says: "there is none of that shape; sigmoid is the smooth one"},
	},
	"train.stop.metric": {
		{names: []string{"loss", "val_loss", "valid_loss", "elbo", "nll"}, says: "objective is what training minimises, nelbo that at KL weight 1"},
	},
	"variant": {
		{names: []string{"vae", "none", "plain", "baseline"}, says: "vanilla is it"},
		{names: []string{"beta_vae", "betavae", "beta", "kl_annealing", "annealing", "cyclical", "cyclic"}, says: "it is vanilla with a weight of the KL: kl.beta and kl.schedule"},
		{names: []string{"bn_vae", "bnvae", "batch_norm", "batchnorm"}, says: "bn is it"},
		{names: []string{"fb", "kl_thresholding"}, says: "free-bits is it"},
		{names: []string{"delta", "deltavae"}, says: "delta-vae is it"},
		{names: []string{"skip_vae"}, says: "skip is it"},
		{names: []string{"bag_of_words"}, says: "bow is it"},
		{names: []string{"pooling"}, says: "it is a setting of an encoder: model.lstm.pooling or model.transformer.pooling"},
		{names: []string{"lagging", "lagging_inference", "burn"}, says: "aggressive is it"},
		{names: []string{"sigmavae", "optimal_sigma_vae", "calibrated_decoder", "learn_sigma"}, says: "sigma-vae is it"},
		{names: []string{"iw_vae", "importance_weighted"}, says: "iwae is it"},
		{names: []string{"stl", "sticking_the_landing", "dreg", "dregs", "iwae_dreg", "iwae_stl"}, says: "it is a gradient of iwae: {iwae: {k: 5, gradient: stl}}, or dreg"},
		{names: []string{"pretraining", "reset_dec"}, says: "fbp is it, with free-bits beside it"},
	},
	"data source": {
		{names: []string{"mnist", "fashion_mnist"}, says: "write data: {images: {train: train-images-idx3-ubyte.gz, test: t10k-images-idx3-ubyte.gz, hold_out: 10000}}; vaelab data fetch mnist or fashion-mnist brings the files"},
		{names: []string{"binarized_mnist"}, says: "write data: {images: {train: binarized_mnist_train.amat, valid: binarized_mnist_valid.amat, test: binarized_mnist_test.amat}}; vaelab data fetch binarized-mnist brings the files"},
		{names: []string{"omniglot"}, says: "write data: {images: {train: chardata.mat, test: chardata.mat, hold_out: 1345}}; vaelab data fetch omniglot brings the file"},
		{names: []string{"cifar10", "celeba"}, says: "write data: {images: {train: FILE, test: FILE}}; images are grey, and vaelab data list shows what vaelab data fetch brings here"},
		{names: []string{"ptb"}, says: "write data: {text: {train: FILE, valid: FILE, test: FILE}}; vaelab data fetch ptb brings the files and prints their paths"},
		{names: []string{"yahoo", "yelp", "snli", "wikitext"}, says: "write data: {text: {train: FILE, valid: FILE, test: FILE}}; vaelab data list shows what vaelab data fetch brings here"},
		{names: []string{"tsv", "txt"}, says: "text reads lines, with label and TAB before them if data.text.labels is true; csv takes a separator"},
	},
	"model": {
		{names: []string{"rnn", "gru"}, says: "lstm is the recurrent one"},
		{names: []string{"cnn", "conv", "resnet"}, says: "pixelcnn has a ResNet as encoder; mlp has no convolutions"},
		{names: []string{"gpt", "gpt2", "bert"}, says: "transformer is it, small and not trained before"},
	},
}

// foreignName returns the answer to a name in the place of a key.
func foreignName(name string) (foreign, bool) { return among(foreigners, name) }

func among(all []foreign, name string) (foreign, bool) {
	name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(name))
	for _, f := range all {
		if slices.Contains(f.names, name) {
			return f, true
		}
	}
	return foreign{}, false
}

// Answer says what there is instead of a name that other programs have for a setting, a kind or a choice; ok is
// false if nothing is known of the name.
func Answer(name string) (says string, ok bool) {
	if f, ok := foreignName(name); ok {
		return f.says, true
	}
	for _, what := range slices.Sorted(maps.Keys(foreignKinds)) {
		if f, ok := among(foreignKinds[what], name); ok {
			return what + ": " + f.says, true
		}
	}
	return "", false
}

// unknownKey is the error for a name that is no key where it stands: what others mean by it, else where a setting of
// that name is, else the nearest of the known ones.
func (r *reader) unknownKey(what, name string, known []string) error {
	if f, ok := foreignName(name); ok {
		return fmt.Errorf("unknown %s %q: %s%s", what, name, f.says, r.factor(f))
	}
	if what == "section" && contains(topKeys, name) {
		return fmt.Errorf("unknown section %q; it belongs at the top of the file, beside base and grid", name)
	}
	if parts := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return !strings.HasSuffix(k, "_"+name) }); len(parts) > 0 {
		return fmt.Errorf("unknown %s %q; did you mean %s? known: %s", what, name, strings.Join(parts, " or "), strings.Join(known, ", "))
	}
	misspelt := len(name) > 3 && registry.Nearest(name, known) != "" // a shorter name is near to anything
	if at := settingsCalled(name); len(at) > 0 && !misspelt {
		return fmt.Errorf("unknown %s %q; it is a setting elsewhere: %s", what, name, strings.Join(at, ", "))
	}
	return registry.Unknown(what, name, known)
}

// unknownChoice is the error for a name that is no choice of what is chosen: a key, or what a registry has.
func unknownChoice(what, name string, err error) error {
	if f, ok := among(foreignKinds[what], name); ok {
		return fmt.Errorf("%q: %s", name, f.says)
	}
	return err
}

// settingsCalled lists the settings of a name or alias, with their sections.
func settingsCalled(name string) (at []string) {
	for _, p := range places() {
		if p.setting.named(name) {
			at = append(at, join(p.section, p.setting.key))
		}
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// factor says how many values an example of the trial's data has, for a weight against their mean.
func (r *reader) factor(f foreign) string {
	if !slices.Contains(f.names, "kld_weight") || r.data == nil {
		return ""
	}
	if s, ok := r.data.(data.Sized); ok {
		return fmt.Sprintf(" (%d: 0.00025 there is kl.beta %.3g)", s.Values(), 0.00025*float64(s.Values()))
	}
	if r.data.Kind() == vae.Text {
		return " (text has no mean of that kind)"
	}
	return " (height x width; for 28 x 28 pixels 0.00025 there is kl.beta 0.196)"
}

// topKeys are the keys that an experiment's file has at its top.
var topKeys = []string{"experiment", "base", "grid", "seeds", "baseline", "figures", "claims", "converged", "notes", "extends", "set", "frozen"}

// Keys says what the keys at the top of an experiment's file are.
var Keys = map[string]string{
	"experiment": "the name of the experiment and of its folder in results; by default that of the file",
	"base":       "the settings that all trials share, by section: data, model, variant, kl, train",
	"grid":       "a list of entries, each with the settings that it lays over base; lists in an entry multiply",
	"seeds":      "the seeds of each setting: a count, or a list such as [3, 5, 8]",
	"baseline":   "what tables compare with: a variant, or a variant with settings; vanilla by default",
	"figures":    "the figures that vaelab run draws; by default kl-curve, z-use and, if a variant has it, theta",
	"claims":     "what the experiment claims, which vaelab verify judges",
	"converged":  "when a trial counts as converged",
	"notes":      "free text for readers, shown by plan and report; it changes no trial",
	"extends":    "the path, relative to this file, of a file whose keys apply where this one has none; base and converged are merged key by key",
	"set":        "a list of settings that are laid over every trial, as --set does; vaelab submit writes it",
	"frozen":     "the path of the file that vaelab submit made this one from",
}

// topLevel is the error for a key that the file does not have at its top.
func (r *reader) topLevel(key *yaml.Node) error {
	if section, _, _ := strings.Cut(key.Value, "."); contains(sections, section) {
		return fmt.Errorf("%q belongs into base, or into an entry of grid", key.Value)
	}
	return r.unknownKey("key", key.Value, topKeys)
}
