// Package sweep turns a YAML file into trials and runs them. It is the only package that
// reads YAML.
//
// An experiment file asks one question, stated in its first comment:
//
//	# Does a larger gamma hold more KL?
//	base:                                # what all trials share; what is missing has a default
//	  data: {synthetic: {train: 5600}}   # one kind, with its settings
//	  model: {lstm: {latent_dim: 8}}
//	  train: {epochs: 12}
//	grid:                                # entries add up; within an entry, lists multiply
//	  - variant: vanilla
//	  - variant: {bn: {gamma: [0.3, 0.5, 0.7]}}
//	seeds: 6                             # 1 ... 6; or a list
//	baseline: vanilla                    # what tables compare with; may be left out
//	figures: [kl-curve, sweep]
//	claims:                              # what is said about it; vaelab verify judges
//	  - say: A larger gamma makes the decoder lose more without its own z
//	    source: Zhu et al. 2020, section 5.3
//	    trend: {metric: gap, of: bn, over: variant.bn.gamma, shape: rises}
//	  - say: At gamma 0.5 batch normalisation holds 1 nat
//	    source: Zhu et al. 2020, equation 6
//	    confidence: 0.99                 # of the interval that decides; 0.95 if not said
//	    bound: {metric: kl, of: {variant: bn, variant.bn.gamma: 0.5}, at_least: 1}
//
// These are 4 settings times 6 seeds, 24 trials. A trial is known by the hash of its
// resolved settings and the digest of its data, and by its seed: running a file again
// trains only what is missing, and one more seed trains one more trial. Two settings are no
// part of the hash: where data lie (tag kind:"path"), since the digest says what they are, and one
// that was added later (tag neutral:"VALUE") and has the value under which bytes are as before it.
//
// An entry is merged with the base key by key. Where it names the same kind, their settings
// are merged; another kind replaces the base's with all its settings. Anchors and aliases
// (&name, *name) work, merge keys (<<) do not: the base is for what entries share. A --set
// lies over both; trials that it makes equal are run once. A dotted key, train.lr: 0.1, does in an entry what
// --set train.lr=0.1 does.
//
// A relative path is looked for in the working directory, then in the folder of the experiment's file. ~ at its
// beginning and ${VARIABLE} are replaced.
//
// A claim names trials by their variant, and by any key of trial.json where a variant has
// several settings; it has to name trials of the file, and a metric that these will have. Its kinds,
// and how one names a number of a vector or a cost, are in package claims. What is compared may
// differ in nothing but the settings that the claim names, or lists under despite.
//
// Every fault in a file is reported at once, each with line and column, what is wrong,
// what could stand there, and the nearest name. Names that the field's programs use (nz,
// ni, enc_nh, kl_start, warm_up ...) are understood, with a note; those that mean something else there
// are answered, see foreign.go.
package sweep
