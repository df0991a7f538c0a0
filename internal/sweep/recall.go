package sweep

import (
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/vae"
)

// An experiment may have tens of thousands of trials, and a task of a cluster reads all of them to find its own. Most
// trials have most sections in common, so each section is read once (see recall) and a trial is put together from
// what its sections gave.

// A piece names what is read of some sections. A section is its node: trials that share a section share the node, see
// pickTrial.
type piece struct {
	what  string
	nodes [3]*yaml.Node
}

func of(what string, nodes ...*yaml.Node) piece {
	p := piece{what: what}
	copy(p.nodes[:], nodes)
	return p
}

// recalled is what a piece gave, and how many faults were met.
type recalled struct {
	value any
	wrong int
}

// recall returns what read makes of a piece, which must be all that it depends on. It is called for the first trial that
// has the piece. For the others its faults are counted again, as they are theirs, too.
func recall[T any](r *reader, p piece, read func() T) T {
	if known, ok := r.known[p]; ok {
		r.wrong += known.wrong
		return known.value.(T)
	}
	wrong := r.wrong
	value := read()
	r.known[p] = recalled{value, r.wrong - wrong}
	return value
}

// A part is what a section gives to a trial.
type part[T any] struct {
	is     T
	config map[string]string // its settings, as trial.json has them
	number int               // the same for equal settings
	ok     bool              // is can be used, though a setting may be faulty
}

// An identity is the numbers of a trial's sections: data, model, variant, kl and train. Trials with the same settings have
// the same.
type identity [5]int

// numbered returns the number of a section's settings.
func (r *reader) numbered(config map[string]string) int {
	var b strings.Builder
	for _, key := range sortedKeys(config) {
		b.WriteString(key)
		b.WriteByte(0)
		b.WriteString(config[key])
		b.WriteByte(0)
	}
	text := b.String()
	if _, ok := r.texts[text]; !ok {
		r.texts[text] = len(r.texts)
	}
	return r.texts[text]
}

// checked is what a trial needs to know of its variant.
type checked struct {
	err    error
	weighs bool       // it sets the KL weight
	steady bool       // the KL weight has no effect
	family vae.Family // of its posteriors
}

func checkedOf(v vae.Variant, err error) checked {
	return checked{err, v.Weigher != nil, v.IdleWeight(), v.Family()}
}
