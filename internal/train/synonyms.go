package train

import "strings"

// A synonym is what others call a metric of the rows, or measure and vaelab does not.
type synonym struct {
	names []string // in lower case, words joined by _
	says  string   // what the rows have instead
}

// turned ends the answer for a name whose greater values are the metric's smaller ones.
const turned = ": the order turns round, so that greater becomes less, and at_least: v becomes at_most: -v"

// synonyms are the names of other programs and papers. None is a metric's name, and each answer names
// metrics that there are (a test holds both).
var synonyms = []synonym{
	{[]string{"elbo", "evidence_lower_bound", "lower_bound", "vlb", "variational_lower_bound"},
		"nelbo is -elbo" + turned},
	{[]string{"log_likelihood", "loglikelihood", "loglik", "ll", "log_p", "log_px", "logp", "log_prob", "marginal_likelihood", "iwae", "iw_elbo", "iw_ll"},
		"iw_nll is the importance-weighted estimate of -ln p(x), and nelbo its bound" + turned},
	{[]string{"nll", "neg_log_likelihood", "negative_log_likelihood", "test_nll", "log_loss"},
		"iw_nll estimates -ln p(x) (train.iw_samples), nelbo bounds it from above, and rec is -ln p(x|z)"},
	{[]string{"iwnll", "nll_iw", "is_nll", "nll_is"}, "the name is iw_nll (train.iw_samples)"},
	{[]string{"neg_elbo", "negative_elbo", "free_energy", "vfe", "bound"}, "the name is nelbo, at KL weight 1"},
	{[]string{"bpd", "bits_per_dim", "bits_per_dimension", "bpc", "bits_per_char", "bits_per_character", "bpw", "bits_per_word", "bits"},
		"it is not measured, rows are in nats per example; nelbo or iw_nll over (ln 2 x dimensions) is it, and orders trials on the same data alike"},
	{[]string{"perplexity", "pplx", "test_ppl", "valid_ppl", "val_ppl"},
		"ppl is the perplexity by nelbo, iw_ppl that by iw_nll; both count </s>"},
	{[]string{"mutual_information", "mutual_info", "mutinfo", "mut_info", "i_q", "iq", "mi_q", "i(x;z)"},
		"the name is mi; mi_batch is that within batches"},
	{[]string{"active_units", "active_dims", "active_dimensions", "num_active_units", "n_active", "aus"},
		"the name is au; au_05, au_10, au_50 and au_free have other thresholds"},
	{[]string{"kld", "kl_loss", "kl_div", "kl_divergence", "kl_term", "kldiv", "dkl", "d_kl", "rate", "r", "reg", "reg_loss", "regularization"},
		"the name is kl, not weighted"},
	{[]string{"kl_per_dim", "kl_dims", "dimension_wise_kl"}, "the name is kl_dim, a vector"},
	{[]string{"weighted_kl", "beta_kl"}, "it is not measured; kl_weight times kl of the same row of split train is it"},
	{[]string{"recon", "recon_loss", "recons_loss", "rec_loss", "reconstruction", "reconstruction_loss", "reconstruction_error", "distortion", "d",
		"cross_entropy", "ce", "bce", "xent"}, "the name is rec, -ln p(x|z) summed over an example"},
	{[]string{"mse", "rmse", "mae", "l2", "l1"}, "it is not measured; rec of vectors is the squared error over twice the noise's variance, plus a constant"},
	{[]string{"total_loss", "train_loss", "training_loss"}, "the name is loss, on split train; objective is its like on valid and test"},
	{[]string{"val_loss", "valid_loss", "validation_loss", "dev_loss", "test_loss", "eval_loss"},
		"the name is objective, or nelbo at KL weight 1, with split: valid or test"},
	{[]string{"beta_t", "kl_beta", "anneal_weight", "annealing", "kl_coeff", "kl_coef"}, "the name is kl_weight, on split train"},
	{[]string{"accuracy", "acc", "classification_accuracy", "f1", "knn"},
		"accuracies are of linear probes of mu: probe_100 to probe_10000 (train.probe), with probe_chance"},
	{[]string{"learning_rate"}, "the name is lr, on split train"},
	{[]string{"gradient_norm", "grad", "gnorm"}, "the name is grad_norm, on split train"},
	{[]string{"mkl", "marginal_kld", "kl_qz", "kl_qz_pz", "aggregate_kl", "prior_mismatch"}, "the name is marginal_kl, kl - mi"},
	{[]string{"tc", "total_correlation", "mig", "sap", "dci", "factorvae", "disentanglement", "mmd", "wasserstein"},
		"it is not measured; of q(z) there are mi, marginal_kl, density_gap and moment_deficit"},
	{[]string{"self_bleu", "rouge", "meteor", "distinct", "distinct_1", "distinct_2", "fid", "inception_score", "forward_ppl", "reverse_ppl"},
		"it is not measured; vaelab sample and vaelab reconstruct write what can be scored"},
	{[]string{"bleu_4", "bleu4", "corpus_bleu"}, "the name is bleu, of what is written from the prior where something is given"},
	{[]string{"time", "runtime", "wall_time", "duration", "speed", "throughput"}, "what a trial costs is in seconds and ms_per_step, of no split"},
	{[]string{"variance", "std", "posterior_variance", "sigma"}, "sigma2 is E[sigma²], logvar is E[ln sigma²], and mu2 is E[mu²]"},
}

// Synonym says what the rows have instead of a metric that goes by this name elsewhere.
func Synonym(name string) (says string, ok bool) {
	name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(name))
	for _, s := range synonyms {
		for _, n := range s.names {
			if n == name {
				return s.says, true
			}
		}
	}
	return "", false
}
