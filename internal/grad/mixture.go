package grad

import (
	"fmt"
	"math"
	"slices"

	"vaelab/internal/tensor"
)

// MixtureLSE is the log density of every number of z under the mixture of K normal distributions of its column:
//
//	y_rj = ln sum_k w_rk N(z_rj; mu_kj, e^logvar_kj)
//
// z is (n, D), mu and logvar are (K, D), the result is (n, D). The components form chunks of so many in a row, the last
// chunk of what is left. A row of z mixes those of one chunk only: n is a multiple of K, and rows k n/K ... (k+1) n/K -
// 1 mix the chunk of component k, such as draws from it. w is 1/(size of the chunk), or e^logw, (n, K), if logw is not
// nil; it is at most 1.
//
// The backward pass computes the n chunk D densities again, so that they take no memory.
func (v *Value) MixtureLSE(mu, logvar *Value, chunk int, logw []Float) *Value {
	mu.sameShape("MixtureLSE", logvar)
	if v.Cols != mu.Cols || v.Rows%mu.Rows != 0 || chunk < 1 || logw != nil && len(logw) != v.Rows*mu.Rows {
		panic(fmt.Sprintf("grad: MixtureLSE: %v under %v in chunks of %d with %d weights", v.Matrix, mu.Matrix, chunk, len(logw)))
	}
	out := v.tape.op(v.Rows, v.Cols, backMixtureLSE, v, mu, logvar)
	out.save = [4][]Float{logw, v.tape.arena.Raw(6 * mu.Rows * mu.Cols)}
	out.k = Float(chunk)
	out.mix()
	return out
}

func backMixtureLSE(v *Value) { v.mix() }

// mix passes over all columns: backward, once v has a gradient.
func (v *Value) mix() {
	z, mu, logvar := v.in[0], v.in[1], v.in[2]
	w := mixture{
		z: z.Data, mu: mu.Data, logvar: logvar.Data, y: v.Data, logw: v.save[0], columns: v.save[1],
		D: v.Cols, K: mu.Rows, M: v.Rows / mu.Rows, chunk: int(v.k),
	}
	if w.dy = v.Grad; w.dy != nil {
		w.dz, w.dmu, w.dlogvar = z.Grad, mu.Grad, logvar.Grad
	}
	tensor.Run(w, w.D, 1)
}

// A mixture is the pass over all columns.
type mixture struct {
	z, mu, logvar, y, logw []Float
	dy, dz, dmu, dlogvar   []Float // nil in the forward pass, or where no gradient is wanted
	columns                []Float // of each column 6 K numbers, see Part
	D, K, M, chunk         int
}

// Part computes columns from ... to-1.
func (w *mixture) Part(from, to int) {
	D, K := w.D, w.K
	for j := from; j < to; j++ {
		at := w.columns[6*K*j:][:6*K]
		mu, inv, log, x, dmu, dlogvar := at[:K], at[K:2*K], at[2*K:3*K], at[3*K:4*K], at[4*K:5*K], at[5*K:]
		if w.dy == nil {
			for k := range mu { // a column's numbers side by side
				mu[k], inv[k] = w.mu[k*D+j], tensor.Exp(-0.5*w.logvar[k*D+j])
				log[k] = -0.5 * (w.logvar[k*D+j] + Float(math.Log(2*math.Pi)))
			}
		}
		clear(at[4*K:])
		for first := 0; first < K; first += w.chunk {
			last := min(first+w.chunk, K)
			c := components{mu[first:last], inv[first:last], log[first:last]}
			x, peak := x[first:last], slices.Max(c.log)
			even := -tensor.Log(Float(last - first)) // ln w
			for r := w.M * first; r < w.M*last; r++ {
				i, logw := r*D+j, []Float(nil)
				if w.logw != nil {
					logw, even = w.logw[r*K+first:r*K+last], 0
				}
				c.densities(w.z[i], logw, x)
				if w.dy != nil {
					tensor.ExpSum(x, w.y[i]-even) // the share of each component
					if dz := c.back(w.dy[i], w.z[i], x, dmu[first:last], dlogvar[first:last]); w.dz != nil {
						w.dz[i] += dz
					}
					continue
				}
				lse := peak
				if sum := tensor.ExpSum(x, peak); sum > 1e-20 {
					lse += tensor.Log(sum)
				} else { // z is far from all components; a search for the nearest one takes longer
					c.densities(w.z[i], logw, x)
					_, lse = tensor.ExpLSE(x)
				}
				w.y[i] = even + lse
			}
		}
		for k := range dmu {
			if w.dmu != nil {
				w.dmu[k*D+j] += dmu[k]
			}
			if w.dlogvar != nil {
				w.dlogvar[k*D+j] += dlogvar[k]
			}
		}
	}
}

// components are those of a chunk in one column: mu, 1/sigma, and the logarithm of the factor before the exponential.
type components struct{ mu, inv, log []Float }

// densities fills x with ln w_k N(z; mu_k, sigma_k²); logw may be nil.
func (c components) densities(z Float, logw, x []Float) {
	inv, log, x := c.inv[:len(c.mu)], c.log[:len(c.mu)], x[:len(c.mu)]
	for k, m := range c.mu {
		u := (z - m) * inv[k]
		x[k] = log[k] - 0.5*u*u
	}
	if logw != nil {
		tensor.Add(logw, x)
	}
}

// back adds the gradients of the components, which have the shares p of the density of z, and returns that of z.
func (c components) back(dy, z Float, p, dmu, dlogvar []Float) (dz Float) {
	inv, p, dmu, dlogvar := c.inv[:len(c.mu)], p[:len(c.mu)], dmu[:len(c.mu)], dlogvar[:len(c.mu)]
	for k, m := range c.mu {
		g, u := dy*p[k], (z-m)*inv[k]
		pull := g * u * inv[k]
		dz -= pull
		dmu[k] += pull
		dlogvar[k] += 0.5 * g * (u*u - 1)
	}
	return dz
}

// LogNormals is the log density of every row of z, (n, D), under each of K normal distributions with independent
// dimensions, whose mu and logvar are (K, D):
//
//	y_rk = -(1/2) sum_j [ (z_rj - mu_kj)² e^-logvar_kj + logvar_kj + ln 2 pi ]
//
// The result is (n, K).
func (v *Value) LogNormals(mu, logvar *Value) *Value {
	mu.sameShape("LogNormals", logvar)
	if v.Cols != mu.Cols {
		panic(fmt.Sprintf("grad: LogNormals: %v under %v", v.Matrix, mu.Matrix))
	}
	out := v.tape.op(v.Rows, mu.Rows, backLogNormals, v, mu, logvar)
	inv := v.tape.arena.Raw(len(mu.Data)) // 1/sigma²
	out.save[0] = inv
	for k := range mu.Rows {
		inv, mu, most := inv[k*mu.Cols:][:mu.Cols], mu.Row(k), Float(0)
		for j, l := range logvar.Row(k) {
			inv[j] = tensor.Exp(-l)
			most -= 0.5 * (l + Float(math.Log(2*math.Pi)))
		}
		for r := range v.Rows {
			var squares Float
			for j, z := range v.Row(r) {
				d := z - mu[j]
				squares += d * d * inv[j]
			}
			out.Row(r)[k] = most - 0.5*squares
		}
	}
	return out
}

func backLogNormals(v *Value) {
	z, mu, logvar := v.in[0], v.in[1], v.in[2]
	for i, g := range v.Grad {
		r, k := i/v.Cols, i%v.Cols
		for j, inv := range v.save[0][k*mu.Cols:][:mu.Cols] {
			d := z.Row(r)[j] - mu.Row(k)[j]
			if z.flows {
				z.Grad[r*z.Cols+j] -= g * d * inv
			}
			if mu.flows {
				mu.Grad[k*mu.Cols+j] += g * d * inv
			}
			if logvar.flows {
				logvar.Grad[k*mu.Cols+j] += 0.5 * g * (d*d*inv - 1)
			}
		}
	}
}

// LogSumExp is, for every row r of x, (n, K), with chunks and weights as in MixtureLSE,
//
//	y_r = ln sum_k w_rk e^x_rk
//
// The result is (n, 1). If one chunk has all K, n may be any number.
func (v *Value) LogSumExp(chunk int, logw []Float) *Value {
	n, K := v.Rows, v.Cols
	if n%K != 0 && chunk < K || chunk < 1 || logw != nil && len(logw) != n*K {
		panic(fmt.Sprintf("grad: LogSumExp: %v in chunks of %d with %d weights", v.Matrix, chunk, len(logw)))
	}
	out := v.tape.op(n, 1, backLogSumExp, v)
	shares := v.tape.arena.Floats(n * K)
	out.save[0] = shares
	for r := range n {
		first := 0
		if chunk < K {
			first = r / (n / K) / chunk * chunk
		}
		last := min(first+chunk, K)
		x := shares[r*K+first : r*K+last]
		copy(x, v.Row(r)[first:last])
		if logw != nil {
			tensor.Add(logw[r*K+first:r*K+last], x)
		}
		out.Data[r] = tensor.SoftmaxLSE(x)
		if logw == nil {
			out.Data[r] -= tensor.Log(Float(last - first))
		}
	}
	return out
}

func backLogSumExp(v *Value) {
	x := v.in[0]
	for r, g := range v.Grad {
		tensor.Axpy(g, v.save[0][r*x.Cols:][:x.Cols], x.Grad[r*x.Cols:][:x.Cols])
	}
}
