package metrics

func init() {
	Register(Group{
		Splits: Evaluations, Need: NeedMarginal,
		Measure: func(s *Split, r Row) {
			kl, _ := s.KL()
			mi, _ := s.mi()
			r.Values["marginal_kl"] = MarginalKL(kl, mi)
		},
		Metrics: []Metric{
			{Name: "marginal_kl", Unit: "nats", Doc: "kl - mi, the KL(q(z) || p(z)) of the aggregate posterior"},
		},
	})
}

// MarginalKL is KL(q(z) || p(z)), in nats: how far the aggregate posterior is from the prior,
// the part of the KL that says nothing of x.
//
//	KL(q(z) || p) = E_x[KL(q(z|x) || p)] - I_q
//
// It is as much too large as the estimate of MI is too small, which matters where MI comes near
// its cap, and with it noisy: it may come out slightly negative.
//
// Source: Hoffman & Johnson 2016, "ELBO surgery".
func MarginalKL(kl, mi float64) float64 { return kl - mi }
