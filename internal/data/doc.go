// Package data reads and generates data sets: text, images or vectors.
//
// A [Source] is a kind of data. Its struct fields are the keys of a YAML file, its
// registered value is the defaults, and Load turns it into a [Set]: three splits of
// examples, which for text are sequences of symbol numbers over one [Vocab].
//
//	synthetic   text   a random LSTM of a two-dimensional z: offline, and the truth is known
//	godoc       text   sentences of the Go standard library on this machine: offline, real text
//	text        text   your own files, one sentence a line, with or without labels
//	jsonl       text   a field of your own JSON objects, one a line, such as SNLI's
//	csv         text   a column of your own tables
//	glyphs      image  characters of the Go fonts, much like OMNIGLOT: offline
//	images      image  your own IDX, NumPy, MATLAB, .amat or PNG files
//	gaussian    vector a linear Gaussian model: offline, and the truth is known
//
// One file here is one kind. To add a kind, write a struct whose method Load returns a
// Set and register its defaults in init. A format of image files is one file as well, whose
// function returns an array; the first bytes of a file choose among them in array.go.
//
// # Symbols
//
// Symbols 0 to 3 are <pad>, <s>, </s> and <unk>; words follow. Every sequence runs from
// <s> to </s>. <pad> never occurs in a sequence: a [vae.Batch] needs no padding. The
// likelihood of a sentence covers its words and </s>, but not <s>, as in the field's
// reference code.
//
// # Pixels
//
// Images are black and white, with ink at 1 on 0. Grey values are probabilities of ink: train
// may keep them, and the trainer draws its pixels anew at each step, as is usual since Burda
// et al. 2016; valid and test are drawn once, in Load, so that a likelihood is of one set of
// pixels. NLLs of sets made binary in other ways do not compare.
//
// # What is kept reproducible
//
// Load depends on the settings and on the files named there, on nothing else: the same
// settings give the same [Set.Digest]. Synthetic text is computed in float64 from its own
// seed, so that it depends neither on the trial's seed nor on the precision of the build,
// and the first n sentences are the same whatever sizes are asked for; so are glyphs, Gaussian
// vectors and the pixels drawn of grey values. (A processor that fuses multiply and add may,
// very rarely, round a draw to another word or the edge of a glyph to another grey.)
//
// # Floors
//
// [Unigram] and [Bigram] give the NLL of two models without any learning to speak of. A
// trained LSTM that does not beat the bigram is broken.
//
// # Errors
//
// An error names the file and, where there is one, the line, and says what to do about
// it. What a header claims is never allocated before the numbers have come. Doubts that do not stop the work are [Set.Warnings].
package data
