// Package data makes sets of sentences to train on.
//
// A [Source] is a kind of data. Its struct fields are the keys of a YAML file, its
// registered value is the defaults, and Load turns it into a [Set]: three splits of
// sequences of symbol numbers over one [Vocab].
//
//	synthetic   a random LSTM of a two-dimensional z: offline, and the truth is known
//	godoc       sentences of the Go standard library on this machine: offline, real text
//	text        your own files, one sentence a line, with or without labels
//
// One file here is one kind. To add a kind, write a struct whose method Load returns a
// Set and register its defaults in init.
//
// # Symbols
//
// Symbols 0 to 3 are <pad>, <s>, </s> and <unk>; words follow. Every sequence runs from
// <s> to </s>. <pad> never occurs in a sequence: a [vae.Batch] needs no padding. The
// likelihood of a sentence covers its words and </s>, but not <s>, as in the field's
// reference code.
//
// # What is kept reproducible
//
// Load depends on the settings and on the files named there, on nothing else: the same
// settings give the same [Set.Digest]. Synthetic text is computed in float64 from its own
// seed, so that it depends neither on the trial's seed nor on the precision of the build,
// and the first n sentences are the same whatever sizes are asked for. (A processor that
// fuses multiply and add may, very rarely, round a draw to another word.)
//
// # Floors
//
// [Unigram] and [Bigram] give the NLL of two models without any learning to speak of. A
// trained LSTM that does not beat the bigram is broken.
//
// # Errors
//
// An error names the file and, where there is one, the line, and says what to do about
// it. Doubts that do not stop the work are [Set.Warnings].
package data
