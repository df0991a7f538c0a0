// Package sphere has distributions of z on the unit sphere of R^D that depend on z through t = mu·z alone, for a mean
// direction mu: their densities, their KL to the uniform distribution and their draws, in float64.
package sphere

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Law is such a distribution. Its density is over the sphere's area, in nats.
type Law interface {
	// LogProb is ln q(z) at t = mu·z.
	LogProb(t float64) float64
	// Slope is the derivative of LogProb.
	Slope(t float64) float64
	// Mean is E[t], so E[z] is Mean times mu.
	Mean() float64
	// KL is KL(q || uniform).
	KL() float64
	// Draw draws t.
	Draw(noise *rand.Rand) float64
}

// LogArea is ln of the area of the unit sphere of R^D, minus ln of the uniform density:
//
//	ln 2 + (D/2) ln pi - ln Gamma(D/2)
func LogArea(D int) float64 {
	half := float64(D) / 2
	return math.Ln2 + half*math.Log(math.Pi) - lgamma(half)
}

// wantPlane panics unless there is a direction beside that of mu.
func wantPlane(D int) {
	if D < 2 {
		panic(fmt.Sprintf("sphere: %d dimensions, want 2 or more", D))
	}
}

func lgamma(x float64) float64 {
	y, _ := math.Lgamma(x)
	return y
}

// A Float is a number of either precision.
type Float interface{ ~float32 | ~float64 }

// Uniform fills x, (D), with a draw of the uniform distribution.
func Uniform[F Float](noise *rand.Rand, x []F) { direction(noise, x, 1) }

// Draw fills x, (D), with a draw of the law around e1, the first axis:
//
//	x = (t, sqrt(1 - t²) v),   v uniform on the unit sphere of R^{D-1}
func Draw[F Float](law Law, noise *rand.Rand, x []F) {
	t := law.Draw(noise)
	x[0] = F(t)
	direction(noise, x[1:], math.Sqrt(max(0, (1-t)*(1+t))))
}

// direction fills x with a uniform direction of the given length.
func direction[F Float](noise *rand.Rand, x []F, length float64) {
	var squares float64
	for squares == 0 { // as good as never
		for j := range x {
			v := noise.NormFloat64()
			x[j] = F(v)
			squares += v * v
		}
	}
	for j, v := range x {
		x[j] = F(float64(v) * length / math.Sqrt(squares))
	}
}

// nearE1 is the least |u|²/2 of a reflection. Nearer to e1, mu is e1.
const nearE1 = 0.5e-12

// Reflect sets z, (D), to the image of x under the Householder reflection that takes e1 to n = mu/|mu|:
//
//	z = x - 2 u (u·x)/(u·u),   u = e1 - n
//
// So mu·z/|mu| is x_1. Where |u| < 1e-6, z is x.
func Reflect[F Float](mu, x, z []F) {
	r, u1 := axis(mu)
	if u1 < nearE1 {
		copy(z, x)
		return
	}
	c := (u1*float64(x[0]) - dot(mu[1:], x[1:])/r) / u1 // 2 u·x/(u·u), because u·u = 2 u_1
	z[0] = F(float64(x[0]) - c*u1)
	for j, m := range mu[1:] {
		z[j+1] = F(float64(x[j+1]) + c*float64(m)/r)
	}
}

// BackReflect adds to dmu the gradient of Reflect with respect to mu, given that of z. It is 0 where z is x. It has no
// bound near there: for D above 2 the reflection turns by any angle while mu goes around e1.
func BackReflect[F Float](mu, x, dz, dmu []F) {
	r, u1 := axis(mu)
	if u1 < nearE1 {
		return
	}
	ux := u1*float64(x[0]) - dot(mu[1:], x[1:])/r
	ug := u1*float64(dz[0]) - dot(mu[1:], dz[1:])/r
	// With s = u·u = 2 u_1 the gradient of n is 2 [dz (u·x) + x (u·dz)]/s - 4 u (u·x)(u·dz)/s².
	dn := func(j int) float64 {
		u := -float64(mu[j]) / r
		if j == 0 {
			u = u1
		}
		return (float64(dz[j])*ux + float64(x[j])*ug - u*ux*ug/u1) / u1
	}
	var along float64 // n·dn, which the length of mu takes away
	for j, m := range mu {
		along += float64(m) / r * dn(j)
	}
	for j, m := range mu {
		dmu[j] += F((dn(j) - float64(m)/r*along) / r)
	}
}

// axis is |mu| and u_1 = 1 - n_1 = |u|²/2, without cancellation.
func axis[F Float](mu []F) (r, u1 float64) {
	first, rest := float64(mu[0]), dot(mu[1:], mu[1:])
	r = math.Sqrt(first*first + rest)
	if first > 0 {
		return r, rest / (r * (r + first))
	}
	return r, 1 - first/r
}

func dot[F Float](a, b []F) (sum float64) {
	for j, v := range a {
		sum += float64(v) * float64(b[j])
	}
	return sum
}
