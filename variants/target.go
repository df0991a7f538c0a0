package variants

import "vaelab/internal/vae"

// A targeted method steers the KL to a target in nats.
type targeted interface{ targetKL() float64 }

// A hurried method says which setting lets it act within so many steps, such as "lower steps below 200".
type hurried interface{ hurry(steps int) string }

// TargetKL is the KL in nats to which one of the methods steers, and the method's name; ok is false if none does.
func TargetKL(methods []vae.Method) (nats float64, name string, ok bool) {
	for _, m := range methods {
		if t, is := m.(targeted); is {
			return t.targetKL(), Methods.NameOf(m), true
		}
	}
	return 0, "", false
}

// LeastKL is the KL in nats that a method keeps whatever training does, up to its eps, and the method's name; 0 if there is
// none. It is that to N(0, I) of the head's posterior, so beside another prior or a refinement there is none.
func LeastKL(methods []vae.Method, D int) (nats float64, name string) {
	if v, err := Check(methods...); err != nil || v.Prior != nil || v.Refine != nil {
		return 0, ""
	}
	for _, m := range methods {
		if b, ok := m.(bounded); ok {
			nats, name = b.leastKL(D).nats, Methods.NameOf(m)
		}
	}
	return nats, name
}

// Hurry says which setting lets the methods' controller or ramp end within so many steps, and what else to do if none does.
func Hurry(methods []vae.Method, steps int) string {
	for _, m := range methods {
		if h, ok := m.(hurried); ok {
			return "variant." + Methods.NameOf(m) + ": " + h.hurry(steps)
		}
	}
	return "change the variant's settings"
}
