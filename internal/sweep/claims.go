package sweep

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/registry"
	"vaelab/internal/train"
)

// A saying is a claim with where the file says it.
type saying struct {
	claim   claims.Claim
	at      *yaml.Node // the settings of its kind
	despite []*yaml.Node
	faulty  bool
}

// selects tells whether a faulty claim names all that judgeable looks at, so that its other faults can be found, too.
func (s saying) selects() bool {
	if s.claim.Kind == nil || s.claim.Kind.Measured().Metric == "" {
		return false
	}
	return !slices.ContainsFunc(s.claim.Kind.Uses(), func(u claims.Use) bool { return len(u.Selection) == 0 })
}

// claims reads a list of claims. Whether their trials exist is for judgeable to see.
func (r *reader) claims(n *yaml.Node) []saying {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "claims", "must be a list, got %s", describe(n))
		return nil
	}
	var out []saying
	for _, c := range n.Content {
		sound := r.sound()
		s, ok := r.claim(c)
		if s.faulty = !ok; ok || s.selects() {
			out = append(out, s)
		}
		sound()
	}
	return out
}

// sound begins a claim. The function that it returns ends it and tells whether no fault was found in
// between; those of a claim that is to be left out are put apart.
func (r *reader) sound() func() bool {
	wrong, faults := r.wrong, len(r.faults)
	return func() bool {
		ok := r.wrong == wrong
		if !ok && r.soundClaims {
			r.unjudged = append(r.unjudged, r.faults[faults:]...)
			r.faults, r.wrong = r.faults[:faults], wrong
		}
		return ok
	}
}

// claim reads one claim; ok is false if it is faulty.
func (r *reader) claim(n *yaml.Node) (s saying, ok bool) {
	wrong := r.wrong
	s.claim.Confidence, s.claim.Converged = claims.Default, "required"
	plain := settings(reflect.ValueOf(&s.claim).Elem())
	known := []string{"say", "source", "confidence", "seeds", "despite", "converged"}
	for _, kv := range r.pairs(n, "claims") {
		key, value := kv[0], kv[1]
		i := slices.IndexFunc(plain, func(p setting) bool { return p.named(key.Value) })
		_, err := claims.Kinds.Get(key.Value)
		switch {
		case i >= 0:
			r.scalar(value, plain[i], join("claims", key.Value))
		case key.Value == "seeds":
			s.claim.Seeds = r.seeds(value)
		case key.Value == "despite":
			s.despite = r.despite(value)
		case err != nil:
			r.fault(key, "claims", "%v", registry.Unknown("key", key.Value, slices.Concat(known, claims.Kinds.Names())))
		case s.claim.Kind != nil:
			r.fault(key, "claims", "%s and %s in one claim; a claim must have one kind", s.claim.KindName, key.Value)
		default:
			build(r, kind{key, value}, "claims", claims.Kinds, map[string]string{}, func(k claims.Kind) { s.claim.Kind = k })
			s.claim.KindName, s.at = key.Value, value
		}
	}
	for _, d := range s.despite {
		s.claim.Despite = append(s.claim.Despite, d.Value)
	}
	if r.wrong == wrong {
		r.complete(n, s)
	}
	return s, r.wrong == wrong
}

// complete reports what a claim lacks, and settings of its kind that contradict each other.
func (r *reader) complete(n *yaml.Node, s saying) {
	switch c := s.claim; {
	case c.Say == "":
		r.fault(n, "claims", "has no say; add the claim in words")
	case c.Source == "":
		r.fault(n, "claims", "has no source; add who claims it, and where")
	case c.Kind == nil:
		r.fault(n, "claims", "has no kind; add one of %s", strings.Join(claims.Kinds.Names(), ", "))
	default:
		if err := c.Kind.Check(); err != nil {
			r.fault(s.at, join("claims", c.KindName), "%v", err)
		}
	}
}

// despite reads a list of settings.
func (r *reader) despite(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "claims.despite", "must be a list of settings, such as [train.lr], got %s", describe(n))
		return nil
	}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			r.fault(c, "claims.despite", "must be the name of a setting, got %s", describe(c))
		}
	}
	return n.Content
}

// selection reads `bn`, which is `{variant: bn}`, or `{variant: bn, variant.bn.gamma: 0.5}`.
func (r *reader) selection(n *yaml.Node, path string) claims.Selection {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return claims.Selection{"variant": n.Value}
	}
	out := claims.Selection{}
	for _, kv := range r.pairs(n, path) {
		if kv[1].Kind != yaml.ScalarNode || isNull(kv[1]) {
			r.fault(kv[1], join(path, kv[0].Value), "must be one value, got %s; write a setting of a kind as a key of its own, such as variant.bn.gamma: 0.5", describe(kv[1]))
			continue
		}
		out[kv[0].Value] = kv[1].Value
	}
	return out
}

// enough returns the seeds with those added that the claims name, and the smallest others up to
// the number that deciding them takes.
func enough(seeds []int, said []saying) []int {
	seeds = slices.Clone(seeds)
	add := func(s int) {
		if !slices.Contains(seeds, s) {
			seeds = append(seeds, s)
		}
	}
	need := 0
	for _, s := range said {
		if s.faulty {
			continue
		}
		need = max(need, s.claim.SeedsNeeded())
		for _, seed := range s.claim.Seeds {
			add(seed)
		}
	}
	for s := 1; len(seeds) < need; s++ {
		add(s)
	}
	return seeds
}

// comparable reports a baseline, which stands at n, that the trials do not have.
func (r *reader) comparable(baseline claims.Selection, n *yaml.Node, trials []train.Trial, seeds int) {
	if n == nil {
		return
	}
	if key, err := claims.CheckBaseline(baseline, onePerSetting(trials, seeds)); err != nil {
		r.fault(cmp.Or(get(n, key), n), "baseline", "%v", err)
	}
}

// onePerSetting leaves out the seeds. Trials that differ in their seed only, of which there are
// as many as seeds, stand side by side.
func onePerSetting(trials []train.Trial, seeds int) []record.Trial {
	var records []record.Trial
	for i := 0; i < len(trials); i += seeds {
		records = append(records, trials[i].Trial)
	}
	return records
}

// judgeable returns the claims, and reports those about trials that the file does not have.
func (r *reader) judgeable(said []saying, trials []train.Trial, seeds int) []claims.Claim {
	records := onePerSetting(trials, seeds)
	var out []claims.Claim
	for _, s := range said {
		sound := r.sound()
		path := "claims." + s.claim.KindName
		if keys, err := s.claim.Check(records); err != nil {
			at := cmp.Or(find(s.at, keys), find(s.at, keys[:1]), s.at)
			r.fault(at, join(path, keys[0]), "%v", err)
		}
		err := s.claim.CheckMetric(records, func(i int, split, name string) (int, error) { return trials[i*seeds].Length(split, name) })
		if err != nil {
			r.fault(cmp.Or(find(s.at, []string{"metric"}), s.at), join(path, "metric"), "%v", err)
		}
		for _, d := range s.despite {
			if err := claims.CheckDespite(d.Value, records); err != nil {
				r.fault(d, "claims.despite", "%v", err)
			}
		}
		if sound() && !s.faulty {
			out = append(out, s.claim)
		}
	}
	return out
}
