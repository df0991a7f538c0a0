package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// procs is how many processors one operation may use; see SetProcs.
var procs atomic.Int32

// SetProcs allows large operations to use n processors. It changes no result: every sum
// keeps its order. Use 1, the default, for trials side by side, and all processors for one
// trial.
func SetProcs(n int) { procs.Store(int32(max(1, n))) }

// Work is an operation on items 0 ... n-1 whose chunks may run in any order and
// concurrently. Part runs the chunk from ... to-1. It must not call Split.
type Work interface{ Part(from, to int) }

// A job is one Split call. The caller and idle workers claim its chunks.
type job struct {
	work   Work
	n      int
	align  int
	procs  int
	next   atomic.Int64  // items claimed
	left   atomic.Int64  // items not done
	done   chan struct{} // receives one element when none is left
	refs   atomic.Int32  // goroutines that may still access the job; the last returns it to the pool
	failed atomic.Pointer[any]
}

var jobs = sync.Pool{New: func() any { return &job{done: make(chan struct{}, 1)} }}

// help claims and runs chunks until none is left.
func (j *job) help() {
	for {
		from := int(j.next.Load())
		if from >= j.n {
			return
		}
		to := min(from+j.size(j.n-from), j.n)
		if !j.next.CompareAndSwap(int64(from), int64(to)) {
			continue // another goroutine claimed it
		}
		j.part(from, to)
		if j.left.Add(int64(from-to)) == 0 {
			j.done <- struct{}{}
		}
	}
}

// size is the length of the next chunk when so many items are left: half of a processor's share
// of them, and at least an eighth of its share of all. There are then few chunks, and the last are short.
//
// Source: Polychronopoulos & Kuck 1987, "Guided self-scheduling: a practical scheduling scheme for
// parallel supercomputers".
func (j *job) size(left int) int {
	n := max(left/(2*j.procs), j.n/(8*j.procs), 1)
	return (n + j.align - 1) / j.align * j.align
}

// part runs a chunk. It stores a panic for the caller of Split.
func (j *job) part(from, to int) {
	defer func() {
		if r := recover(); r != nil {
			failed := r
			j.failed.CompareAndSwap(nil, &failed)
		}
	}()
	j.work.Part(from, to)
}

func (j *job) release() {
	if j.refs.Add(-1) == 0 {
		j.work = nil
		jobs.Put(j)
	}
}

// A spinBudget is how long a waiting goroutine polls before it parks, in nanoseconds. Waking a parked one takes
// about 50 µs (BenchmarkSplit), longer than a small chunk. Polling while another program needs the processor delays
// both, and the awaited chunk with them.
type spinBudget struct {
	atomic.Int64
	clock atomic.Pointer[func() time.Time]
}

// The budget grows from minSpin to maxSpin with each successful wait. It drops to minSpin on contention: more than
// preempted between two polls. Without a clock the budget is a number of polls, about 0.1 ms.
const (
	minSpin   = 20_000
	maxSpin   = 500_000
	preempted = 200_000
	polls     = 100_000
)

// spinning is the budget of all goroutines.
var spinning spinBudget

// SetClock sets the clock that limits spinning. It changes no result, only how soon a waiting goroutine parks.
func SetClock(now func() time.Time) { spinning.clock.Store(&now) }

// now is the time, or always the same without a clock.
func (p *spinBudget) now() (t time.Time) {
	if clock := p.clock.Load(); clock != nil {
		t = (*clock)()
	}
	return t
}

// wait polls until x is zero, or is not, and reports whether that came within the budget.
func (p *spinBudget) wait(x *atomic.Int64, zero bool) bool {
	now := p.clock.Load()
	if now == nil {
		for range polls {
			if (x.Load() == 0) == zero {
				return true
			}
		}
		return false
	}
	limit := max(minSpin, p.Load())
	start := (*now)()
	for last := time.Duration(0); ; {
		for range 100 {
			if (x.Load() == 0) == zero {
				p.Store(min(maxSpin, limit+limit/64))
				return true
			}
		}
		past := (*now)().Sub(start)
		switch {
		case past-last > preempted:
			p.Store(minSpin)
			return false
		case int64(past) > limit:
			return false
		}
		last = past
	}
}

// invitations holds a job once for each worker that may help with it.
type invitations struct {
	jobs    chan *job
	waiting atomic.Int64
}

// workers starts, at its first call, the goroutines that wait for invitations.
var workers = sync.OnceValue(func() *invitations {
	w := &invitations{jobs: make(chan *job, 64)}
	for range max(1, runtime.GOMAXPROCS(0)-1) { // the caller of Split works, too; at least one worker must receive the invitations
		go func() {
			for {
				j := w.take()
				j.help()
				j.release()
			}
		}()
	}
	return w
})

// take waits for an invitation: it spins, then parks.
func (w *invitations) take() *job {
	for spinning.wait(&w.waiting, false) {
		select {
		case j := <-w.jobs:
			w.waiting.Add(-1)
			return j
		default: // another worker was faster
		}
	}
	j := <-w.jobs
	w.waiting.Add(-1)
	return j
}

// SplitEvenly is Split into two chunks per processor, for work whose chunks take equally long and
// each read a whole operand, as those of a GEMM do.
func SplitEvenly(work Work, n, align int) {
	parts := 2 * max(1, int(procs.Load()))
	Split(work, n, (n+parts*align-1)/(parts*align)*align)
}

// Split runs work on n items in chunks of a multiple of align, on as many processors as
// SetProcs allows. Chunks become shorter, and an idle worker claims the next one, so a slow worker
// does not delay the job. Work of a single chunk runs in the caller. Split panics if a chunk
// panicked, after all chunks have ended.
func Split(work Work, n, align int) {
	p := max(1, int(procs.Load()))
	if p == 1 || align >= n {
		work.Part(0, n)
		return
	}
	j := jobs.Get().(*job)
	j.work, j.n, j.align, j.procs = work, n, align, p
	j.next.Store(0)
	j.left.Store(int64(n))
	helpers := min(p, (n+align-1)/align) - 1
	j.refs.Store(int32(helpers) + 1)
	w := workers()
	for range helpers {
		w.waiting.Add(1)
		w.jobs <- j
	}
	start := spinning.now()
	j.help()
	own := spinning.now().Sub(start)
	spinning.wait(&j.left, true)
	<-j.done
	if spinning.now().Sub(start) > 2*own+preempted {
		spinning.Store(minSpin) // a worker has lost its processor: its chunk is no longer than the caller's part
	}
	failed := j.failed.Swap(nil)
	j.release()
	if failed != nil {
		panic(*failed)
	}
}
