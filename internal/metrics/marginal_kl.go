package metrics

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
