package grad

import (
	"fmt"
	"slices"

	"vaelab/internal/tensor"
)

// A Tap is a pixel that a convolution reads, as its distance down and to the right of the
// pixel that it computes.
type Tap struct{ Y, X int }

// Square is the k·k taps around a pixel, k odd, row by row.
func Square(k int) []Tap {
	taps := make([]Tap, 0, k*k)
	for y := -k / 2; y <= k/2; y++ {
		for x := -k / 2; x <= k/2; x++ {
			taps = append(taps, Tap{y, x})
		}
	}
	return taps
}

// Before is the taps of Square(k) before the pixel in raster order. The literature's mask
// multiplies the other weights by zero; here they do not exist.
//
// Source: van den Oord et al. 2016, "Pixel recurrent neural networks", section 3.3, mask A
// (arXiv 1601.06759).
func Before(k int) []Tap { return Square(k)[:k*k/2] }

// UpTo is Before and the pixel itself: mask B.
func UpTo(k int) []Tap { return Square(k)[:k*k/2+1] }

// A Window is the input of a convolution: images of Height x Width pixels, of which every
// Stride-th pixel of every Stride-th row is computed. Pixels beyond the border are 0.
type Window struct {
	Height, Width, Stride int
	Taps                  []Tap

	runs   []run
	back   []run // of the backward pass: the taps negated, in reverse order
	margin int   // the farthest tap to either side
}

// A run is taps side by side: their pixels are neighbours in memory.
type run struct {
	Tap   // the first
	at, n int
}

// NewWindow makes a window.
func NewWindow(height, width, stride int, taps []Tap) *Window {
	w := &Window{Height: height, Width: width, Stride: stride, Taps: taps, runs: runsOf(taps)}
	var back []Tap
	for _, t := range slices.Backward(taps) {
		back = append(back, Tap{-t.Y, -t.X})
		w.margin = max(w.margin, t.X, -t.X)
	}
	w.back = runsOf(back)
	return w
}

// runsOf are the runs of taps.
func runsOf(taps []Tap) (runs []run) {
	for i, t := range taps {
		if i > 0 && taps[i-1] == (Tap{t.Y, t.X - 1}) {
			runs[len(runs)-1].n++
			continue
		}
		runs = append(runs, run{t, i, 1})
	}
	return runs
}

// Out is the size of the images computed: the input's by Stride, rounded up.
func (w *Window) Out() (height, width int) {
	return (w.Height + w.Stride - 1) / w.Stride, (w.Width + w.Stride - 1) / w.Stride
}

// between appends to runs those of taps from ... to-1, counted from there.
func (w *Window) between(runs []run, from, to int) []run {
	for _, r := range w.runs {
		a, b := max(from, r.at), min(to, r.at+r.n)
		if a < b {
			runs = append(runs, run{Tap{r.Y, r.X + a - r.at}, a - from, b - a})
		}
	}
	return runs
}

// A place is the input pixel at the position of a computed pixel.
type place struct{ image, y, x int }

// place is the place of computed pixel p of all images.
func (w *Window) place(p int) place {
	height, width := w.Out()
	return place{p / (height * width), p / width % height * w.Stride, p % width * w.Stride}
}

// next is the place after p.
func (w *Window) next(p place) place {
	if p.x += w.Stride; p.x >= w.Width {
		p.x = 0
		if p.y += w.Stride; p.y >= w.Height {
			p.y = 0
			p.image++
		}
	}
	return p
}

// clip returns which taps from ... to-1 of a run are inside the image when the pixel at p is
// computed, and the row of the first of them.
func (w *Window) clip(r run, p place) (from, to, row int) {
	y, x := p.y+r.Y, p.x+r.X
	from, to = max(0, -x), min(r.n, w.Width-x)
	if y < 0 || y >= w.Height || from >= to {
		return 0, 0, 0
	}
	return from, to, (p.image*w.Height+y)*w.Width + x + from
}

// gather writes the elements of x under the taps of the runs to the rows of cols, (R, taps·C): row i is
// for the computed pixel first+i of all images.
func (w *Window) gather(runs []run, x tensor.Matrix, first int, cols tensor.Matrix) {
	C, p := x.Cols, w.place(first)
	for i := range cols.Rows {
		row := cols.Row(i)
		for _, r := range runs {
			to := row[r.at*C : (r.at+r.n)*C]
			a, b, at := w.clip(r, p)
			if b-a < r.n {
				clear(to)
			}
			copy(to[a*C:b*C], x.Data[at*C:])
		}
		p = w.next(p)
	}
}

// scatter is the backward pass of gather: it adds the rows of cols to their pixels.
func (w *Window) scatter(cols tensor.Matrix, first int, dx tensor.Matrix) {
	C, p := dx.Cols, w.place(first)
	for i := range cols.Rows {
		row := cols.Row(i)
		for _, r := range w.runs {
			if a, b, at := w.clip(r, p); a < b {
				tensor.Add(row[(r.at+a)*C:(r.at+b)*C], dx.Data[at*C:][:(b-a)*C])
			}
		}
		p = w.next(p)
	}
}

// Conv is a convolution over images stored pixel by pixel, a row of x for each pixel and a
// column for each channel:
//
//	y[p] = onto[p] + bias + Σ_t W_t x[p + t]
//
// for the taps t of the window. Shapes: x (B·Height·Width, C); weight (C', taps·C), the
// channels of one tap side by side; bias (1, C') or nil; onto nil or of the result's shape,
// (B·H'·W', C') with H', W' from Window.Out.
//
// It uses GEMM in one of two ways. With stride 1 the input of a run of taps is the padded image
// at an offset: see convShift. With another stride, or few channels, it gathers the inputs of all
// taps, one block of pixels at a time, small enough for the cache; the backward pass gathers again.
func (v *Value) Conv(win *Window, weight, bias, onto *Value) *Value {
	size, K := win.Height*win.Width, len(win.Taps)*v.Cols
	if v.Rows%size != 0 || weight.Cols != K || bias != nil && (bias.Rows != 1 || bias.Cols != weight.Rows) {
		panic(fmt.Sprintf("grad: Conv: %v in images of %d x %d, %d taps, weight %v, or the bias", v.Matrix, win.Height, win.Width, len(win.Taps), weight.Matrix))
	}
	height, width := win.Out()
	t := v.tape
	out := t.op(v.Rows/size*height*width, weight.Rows, backConv, v, weight, bias, onto)
	out.window = win
	if onto != nil {
		out.sameShape("Conv", onto)
	}
	if win.shifts(v.Cols) {
		out.shift(v, weight, bias, onto)
	} else {
		out.gather(v, weight, bias, onto)
	}
	return out
}

// convFloats is the size of a block: 384 kB in float32, which leaves room in a second-level
// cache of half a megabyte. convAlign is a common multiple of the products' tiles.
const convFloats, convAlign = 96 << 10, 48

// convRows is the number of pixels of a block when the taps of one have K elements.
func convRows(K int) int { return min(max(1, convFloats/K/convAlign), 16) * convAlign }

// A convBlock is the memory of a block; every chunk of a convolution has its own.
type convBlock struct {
	data []Float
	runs []run
}

// matrix is the block as a matrix.
func (b *convBlock) matrix(rows, cols int) tensor.Matrix {
	if len(b.data) < rows*cols {
		b.data = make([]Float, rows*cols)
	}
	return tensor.Matrix{Rows: rows, Cols: cols, Data: b.data[:rows*cols]}
}

// convForward is the forward pass. Pixels are independent.
type convForward struct {
	win        *Window
	x, y, onto tensor.Matrix // without onto its Data are nil
	bias       []Float       // or nil
	weight     tensor.Panel
}

// gather computes v, the convolution of x, by gathering.
func (v *Value) gather(x, weight, bias, onto *Value) {
	w := convForward{win: v.window, x: x.Matrix, y: v.Matrix, weight: weight.Products.Prepare(v.tape.arena.Raw, tensor.T, weight.Matrix)}
	if bias != nil {
		w.bias = bias.Data
	}
	if onto != nil {
		w.onto = onto.Matrix
	}
	tensor.Run(w, v.Rows, convRows(weight.Cols))
}

// Part computes pixels first ... last-1.
func (w *convForward) Part(first, last int) {
	block := tensor.Borrow[convBlock]()
	K := len(w.win.Taps) * w.x.Cols
	for from := first; from < last; from += convRows(K) {
		to := min(last, from+convRows(K))
		cols := block.matrix(to-from, K)
		w.win.gather(w.win.runs, w.x, from, cols)
		y := w.y.RowRange(from, to)
		beta := Float(0)
		if w.onto.Data != nil {
			beta = 1
			copy(y.Data, w.onto.RowRange(from, to).Data)
		}
		w.weight.GemmAlone(cols, beta, y)
		if w.bias != nil {
			for i := range y.Rows {
				tensor.Add(w.bias, y.Row(i))
			}
		}
	}
	tensor.Return(block)
}

// convBackward is the backward pass to the input. Images are independent.
type convBackward struct {
	win    *Window
	dy, dx tensor.Matrix
	weight tensor.Panel
}

// Part adds to the gradients of images first ... last-1.
func (w *convBackward) Part(first, last int) {
	block := tensor.Borrow[convBlock]()
	K := len(w.win.Taps) * w.dx.Cols
	height, width := w.win.Out()
	end := last * height * width
	for from := first * height * width; from < end; from += convRows(K) {
		to := min(end, from+convRows(K))
		cols := block.matrix(to-from, K)
		w.weight.GemmAlone(w.dy.RowRange(from, to), 0, cols)
		w.win.scatter(cols, from, w.dx)
	}
	tensor.Return(block)
}

// d onto = dy,  d bias = Σ_p dy[p],  d W_t = Σ_p dy[p] x[p + t]ᵀ,  d x[p + t] += W_tᵀ dy[p]
func backConv(v *Value) {
	x, weight, bias, onto := v.in[0], v.in[1], v.in[2], v.in[3]
	dy := v.gradient()
	if onto != nil && onto.flows {
		tensor.Add(v.Grad, onto.Grad)
	}
	if bias != nil && bias.flows {
		tensor.AddRows(dy, bias.Grad)
	}
	if v.window.shifts(x.Cols) {
		backConvShift(v.window, x, weight, dy)
		return
	}
	if weight.flows {
		w := convWeightBackward{win: v.window, products: weight.Products, x: x.Matrix, dy: dy, dw: weight.gradient()}
		tensor.Run(w, len(v.window.Taps), convTaps(x.Cols))
	}
	if x.flows {
		w := convBackward{win: v.window, dy: dy, dx: x.gradient(), weight: weight.Products.Prepare(v.tape.arena.Raw, tensor.N, weight.Matrix)}
		tensor.Run(w, x.Rows/(v.window.Height*v.window.Width), 1)
	}
}

// convWeightBackward is the backward pass to the weights. Taps are independent.
type convWeightBackward struct {
	win       *Window
	products  tensor.Precision
	x, dy, dw tensor.Matrix
}

// convTaps is the number of taps whose weights are computed at a time: some whole tiles of the GEMM.
func convTaps(C int) int { return max(1, 256/C) }

// Part adds to the gradients of the weights of taps first ... last-1, group by group, pixels
// always in the same order and the same blocks.
func (w *convWeightBackward) Part(first, last int) {
	block := tensor.Borrow[convBlock]()
	C := w.x.Cols
	for at := first; at < last; at += convTaps(C) {
		n := min(last-at, convTaps(C))
		block.runs = w.win.between(block.runs[:0], at, at+n)
		dw := w.dw.ColRange(at*C, (at+n)*C)
		rows := max(1, (1<<20)/(convTaps(C)*C*w.dw.Rows))
		for from := 0; from < w.dy.Rows; from += rows {
			to := min(w.dy.Rows, from+rows)
			cols := block.matrix(to-from, n*C)
			w.win.gather(block.runs, w.x, from, cols)
			w.products.GemmAlone(tensor.T, w.dy.RowRange(from, to), tensor.N, cols, 1, dw)
		}
	}
	tensor.Return(block)
}

// convChannels is the number of channels from which shifting is faster than gathering, measured
// with 3x3 and 9x9 taps: with fewer the products of a run are short, and narrow in the backward pass.
const convChannels = 24

// shifts reports whether images of C channels are shifted.
func (w *Window) shifts(C int) bool { return w.Stride == 1 && C >= convChannels }

// wide is the number of rows of a plane between a pixel and the one below it.
func (w *Window) wide() int { return w.Width + w.margin }

// pad writes an image to a block as a plane, a row for each pixel: margin zeros, every row of the
// image with margin zeros behind it, and margin zeros. The input of tap (Y, X) of a pixel is
// Y·wide + X rows after it, zeros beyond the left and right border included.
func (w *Window) pad(image tensor.Matrix, block *convBlock) tensor.Matrix {
	C, wide := image.Cols, w.wide()
	plane := block.matrix(w.Height*wide+2*w.margin, C)
	clear(plane.Data[:w.margin*C])
	for y := range w.Height {
		row := plane.Data[(w.margin+y*wide)*C:]
		copy(row, image.Data[y*w.Width*C:][:w.Width*C])
		clear(row[w.Width*C:][:w.margin*C])
	}
	clear(plane.Data[(w.margin+w.Height*wide)*C:])
	return plane
}

// image is image i of a batch.
func (w *Window) image(batch tensor.Matrix, i int) tensor.Matrix {
	return batch.RowRange(i*w.Height*w.Width, (i+1)*w.Height*w.Width)
}

// see is the input of a run for pixels from ... to-1 of a plane, (to-from, n·C): rows that overlap.
func (w *Window) see(plane tensor.Matrix, r run, from, to int) tensor.Matrix {
	at := w.margin + from + r.Y*w.wide() + r.X
	return tensor.Matrix{Rows: to - from, Cols: r.n * plane.Cols, Stride: plane.Cols, Data: plane.Data[at*plane.Cols:]}
}

// convShift is a convolution of stride 1: for each row of the image and each run of taps the
// product of a shifted plane and the run's weights. Images are independent.
type convShift struct {
	win        *Window
	products   tensor.Precision
	runs       []run
	panels     []tensor.Panel // the weights of each run
	x, y, onto tensor.Matrix  // without onto its Data are nil
	bias       []Float        // or nil
}

// shift computes v, the convolution of x, by shifting.
func (v *Value) shift(x, weight, bias, onto *Value) {
	w := tensor.Borrow[convShift]()
	*w = convShift{win: v.window, products: weight.Products, runs: v.window.runs, panels: w.panels[:0], x: x.Matrix, y: v.Matrix}
	for _, r := range w.runs {
		own := weight.ColRange(r.at*x.Cols, (r.at+r.n)*x.Cols)
		w.panels = append(w.panels, weight.Products.Prepare(v.tape.arena.Raw, tensor.T, own))
	}
	if bias != nil {
		w.bias = bias.Data
	}
	if onto != nil {
		w.onto = onto.Matrix
	}
	tensor.Split(w, x.Rows/(w.win.Height*w.win.Width), 1)
	tensor.Return(w)
}

// Part computes images first ... last-1.
func (w *convShift) Part(first, last int) {
	block := tensor.Borrow[convBlock]()
	for i := first; i < last; i++ {
		w.image(i, w.win.pad(w.win.image(w.x, i), block))
	}
	tensor.Return(block)
}

// image computes image i from its plane.
func (w *convShift) image(i int, plane tensor.Matrix) {
	image, Width := w.win.image(w.y, i), w.win.Width
	for k := range w.win.Height {
		y := image.RowRange(k*Width, (k+1)*Width)
		w.start(y, i, k)
		for n, r := range w.runs {
			if from := k + r.Y; 0 <= from && from < w.win.Height {
				w.panels[n].GemmAlone(w.win.see(plane, r, k*w.win.wide(), k*w.win.wide()+Width), 1, y)
			}
		}
	}
}

// start sets y, row k of image i, to onto and bias. onto may be the result itself.
func (w *convShift) start(y tensor.Matrix, i, k int) {
	if w.onto.Data == nil {
		clear(y.Data)
	} else {
		onto := w.win.image(w.onto, i).RowRange(k*w.win.Width, (k+1)*w.win.Width)
		copy(y.Data, onto.Data)
	}
	if w.bias != nil {
		for x := range y.Rows {
			tensor.Add(w.bias, y.Row(x))
		}
	}
}

// convShiftBack is the backward pass by shifts. To the input it is a convolution of dy with the
// transposed weights of the opposite taps. Groups of images are independent.
type convShiftBack struct {
	input  convShift // x is dy; y, without Data if the input has no gradient, is its gradient
	x      tensor.Matrix
	images int           // of a group
	sums   tensor.Matrix // each group's gradients of the weights, transposed; Data are nil if they have none
}

// convGroups is into how many groups the images are cut at most: a fixed number, so that the
// number of processors does not change the order of the weights' sums.
const convGroups = 12

// backConvShift is backConv for the weights and the input.
func backConvShift(win *Window, x, weight *Value, dy tensor.Matrix) {
	total := x.Rows / (win.Height * win.Width)
	w, block := tensor.Borrow[convShiftBack](), tensor.Borrow[convBlock]()
	*w = convShiftBack{x: x.Matrix, images: max(1, (total+convGroups-1)/convGroups),
		input: convShift{win: win, products: weight.Products, x: dy, runs: win.back, panels: w.input.panels[:0]}}
	groups := (total + w.images - 1) / w.images
	if weight.flows {
		w.sums = block.matrix(groups*weight.Cols, weight.Rows)
	}
	if x.flows {
		w.input.y, w.input.onto = x.gradient(), x.gradient()
		w.opposite(weight.Matrix, x.tape.arena.Raw)
	}
	tensor.Split(w, groups, 1)
	if weight.flows {
		size, dw := weight.Rows*weight.Cols, weight.gradient()
		for g := 1; g < groups; g++ {
			tensor.Add(w.sums.Data[g*size:][:size], w.sums.Data[:size])
		}
		for i := range dw.Rows {
			row := dw.Row(i)
			for j := range row {
				row[j] += w.sums.Data[j*dw.Rows+i]
			}
		}
	}
	tensor.Return(block)
	tensor.Return(w)
}

// opposite packs the weights for the backward pass to the input.
func (w *convShiftBack) opposite(weight tensor.Matrix, alloc func(n int) []Float) {
	C, out, taps := w.x.Cols, weight.Rows, len(w.input.win.Taps)
	m := tensor.Matrix{Rows: taps * out, Cols: C, Data: alloc(taps * out * C)}
	for i := range m.Rows {
		copy(m.Row(i), weight.Row(i % out)[(taps-1-i/out)*C:])
	}
	for _, r := range w.input.runs {
		w.input.panels = append(w.input.panels, w.input.products.Prepare(alloc, tensor.N, m.RowRange(r.at*out, (r.at+r.n)*out)))
	}
}

// Part adds what groups first ... last-1 contribute.
func (w *convShiftBack) Part(first, last int) {
	left, right := tensor.Borrow[convBlock](), tensor.Borrow[convBlock]()
	win, K := w.input.win, len(w.input.win.Taps)*w.x.Cols
	for g := first; g < last; g++ {
		var dw tensor.Matrix
		if w.sums.Data != nil {
			dw = w.sums.RowRange(g*K, (g+1)*K)
			clear(dw.Data)
		}
		for i := g * w.images; i < min((g+1)*w.images, w.x.Rows/(win.Height*win.Width)); i++ {
			dy := win.pad(win.image(w.input.x, i), left)
			if dw.Data != nil {
				win.weights(w.input.products, win.pad(win.image(w.x, i), right), dy, dw)
			}
			if w.input.y.Data != nil {
				w.input.image(i, dy)
			}
		}
	}
	tensor.Return(left)
	tensor.Return(right)
}

// weights adds the gradients of the weights, transposed, from one image, given the planes of x and
// dy. Where dy has zeros between two rows it does not matter what x has.
func (w *Window) weights(products tensor.Precision, x, dy, dw tensor.Matrix) {
	C := x.Cols
	for _, r := range w.runs {
		first, last := max(0, -r.Y), min(w.Height, w.Height-r.Y) // rows in which the run sees rows
		if from, to := first*w.wide(), last*w.wide(); from < to {
			seen := dy.RowRange(w.margin+from, w.margin+to)
			products.GemmAlone(tensor.T, w.see(x, r, from, to), tensor.N, seen, 1, dw.RowRange(r.at*C, (r.at+r.n)*C))
		}
	}
}

// Reshape is the same numbers in the same order as rows x cols.
func (v *Value) Reshape(rows, cols int) *Value {
	if rows*cols != len(v.Data) || rows*cols != v.Rows*v.Cols {
		panic(fmt.Sprintf("grad: Reshape: %v to (%d, %d)", v.Matrix, rows, cols))
	}
	// The gradient is the input's own, so there is nothing to add in the backward pass.
	v.settle() // the gradient's memory is shared, too
	return v.tape.Leaf(tensor.Matrix{Rows: rows, Cols: cols, Data: v.Data}, v.Grad)
}
