// Package sweep turns a YAML file into trials and runs them. It is the only package that
// reads YAML.
//
// An experiment file asks one question, stated in its first comment:
//
//	# Does a larger gamma keep more KL?
//	base:                                # settings of all trials; the others have defaults
//	  data: {synthetic: {train: 5600}}   # one kind, with its settings
//	  model: {lstm: {latent_dim: 8}}
//	  train: {epochs: 12}
//	grid:                                # entries are concatenated; lists in an entry form a grid
//	  - variant: vanilla
//	  - variant: {bn: {gamma: [0.3, 0.5, 0.7]}}
//	seeds: 6                             # 1 ... 6; or a list
//	baseline: vanilla                    # tables compare with it; optional
//	figures: [kl-curve, sweep]
//	claims:                              # vaelab verify judges them
//	  - say: The gap rises with gamma
//	    source: Zhu et al. 2020, section 5.3
//	    trend: {metric: gap, of: bn, over: variant.bn.gamma, shape: rises}
//	  - say: At gamma 0.5 batch normalisation keeps a KL of 1 nat
//	    source: Zhu et al. 2020, equation 6
//	    confidence: 0.99                 # of the deciding interval; 0.95 by default
//	    bound: {metric: kl, of: {variant: bn, variant.bn.gamma: 0.5}, at_least: 1}
//
// These are 4 settings times 6 seeds, 24 trials. A trial is identified by the hash of its
// resolved settings and the digest of its data, and by its seed. Running a file again trains
// only what is missing, and one more seed trains one more trial. Two kinds of settings are not
// in the hash: paths of data (tag kind:"path"), because the digest identifies the data, and a setting
// that was added later (tag neutral:"VALUE") while it has that value, under which bytes are as before.
//
// An entry is merged with the base key by key. Where it names the same kind, their settings
// are merged; another kind replaces the base's with all its settings. Anchors and aliases
// (&name, *name) work, merge keys (<<) do not: the base is for common settings. A --set
// overrides both; trials that it makes equal are run once. A dotted key in an entry, train.lr: 0.1, has the effect
// of --set train.lr=0.1.
//
// With extends: FILE a file takes over the keys of another: base and converged are merged key by key, any other key is
// replaced as a whole. It makes the trials that the two files make when written as one.
//
// A relative path is tried from the working directory, then from the folder of the file that says it, then below Options.Data. ~ at its
// beginning and ${VARIABLE} are expanded.
//
// A claim names trials by their variant, and by any key of trial.json where a variant has
// several settings. It must name trials of the file and a metric that these will have. Package
// claims describes its kinds and the names of vector elements and costs. Compared trials may
// differ only in the settings that the claim names or lists under despite.
//
// All errors of a file are reported at once, each with line and column, what is wrong, what
// is valid there, and the nearest name. Names of the field's programs (nz, ni, enc_nh,
// kl_start, warm_up ...) are understood, with a note. Names with another meaning there are errors
// that explain it; see foreign.go.
package sweep
