// Package data reads and generates data sets: text, images or vectors.
//
// A [Source] is a kind of data. Its struct fields are the keys of a YAML file, its
// registered value is the defaults, and Load turns it into a [Set]: three splits of
// examples, which for text are sequences of symbol numbers over one [Vocab].
//
//	synthetic   text   a random LSTM with a two-dimensional z: offline, known generator
//	godoc       text   sentences of the Go standard library on this machine: offline, real text
//	text        text   your own files, one sentence a line, with or without labels
//	jsonl       text   a field of your own JSON objects, one a line, such as SNLI's
//	csv         text   a column of your own tables
//	glyphs      image  characters of the Go fonts, much like OMNIGLOT: offline
//	images      image  your own IDX, NumPy, MATLAB, .amat or PNG files
//	gaussian    vector a linear Gaussian model: offline, known generator
//
// Each kind is one file. To add a kind, write a struct whose method Load returns a
// Set and register its defaults in init. A format of image files is one file as well, whose
// function returns an array; the first bytes of a file choose among them in array.go.
//
// # Symbols
//
// Symbols 0 to 3 are <pad>, <s>, </s> and <unk>; words follow, or what else is the unit of a text: words
// and punctuation, or characters (unit.go). Every sequence runs from
// <s> to </s>. <pad> never occurs in a sequence: a [vae.Batch] needs no padding. The
// likelihood of a sentence covers its words and </s>, but not <s>, as in the field's
// reference code.
//
// # Pixels
//
// Images are binary, with ink 1 on 0. Grey values are probabilities of ink. Train may keep
// them; the trainer then binarises anew at each step, as is usual since Burda et al. 2016.
// Load binarises valid and test once, so a likelihood is of one set of pixels. NLLs of
// differently binarised sets are not comparable.
//
// # Reproducibility
//
// Load depends only on the settings and the files named there: the same settings give the same
// [Set.Digest]. Synthetic text is computed in float64 from its own seed, so it depends neither
// on the trial's seed nor on the precision of the build. The first n sentences are the same for
// all sizes. The same holds for glyphs, Gaussian vectors and binarised pixels. (A processor that
// fuses multiply and add may, very rarely, round a draw to another word or the edge of a glyph
// to another grey.)
//
// # References
//
// [Unigram] and [Bigram] give the NLL of two simple models. A trained LSTM that is worse than the
// bigram model is broken.
//
// # Errors
//
// An error names the file and, where there is one, the line, and says what to do about
// it. Memory is allocated as data arrive, never by the size in a header. Warnings are in [Set.Warnings].
package data
