package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// procs is how many processors one operation may use; see SetProcs.
var procs atomic.Int32

// SetProcs lets operations that are worth it run on n processors. It changes no result:
// work is split so that every number is computed, and every sum added up, as by one. Trials
// side by side want 1, the default; a trial alone wants all.
func SetProcs(n int) { procs.Store(int32(max(1, n))) }

// Work is something to be done on items 0 ... n-1 that can be done in parts, in any order
// and at the same time. A part must not itself Split.
type Work interface{ Part(from, to int) }

// A job is one Split: parts that whoever is free takes, one after the other.
type job struct {
	work   Work
	n      int
	align  int
	procs  int
	next   atomic.Int64  // items taken
	left   atomic.Int64  // items not done
	done   chan struct{} // gets one element when none is left
	refs   atomic.Int32  // who may still look at the job: the last gives it back
	failed atomic.Pointer[any]
}

var jobs = sync.Pool{New: func() any { return &job{done: make(chan struct{}, 1)} }}

// help does parts until none is left to take.
func (j *job) help() {
	for {
		from := int(j.next.Load())
		if from >= j.n {
			return
		}
		to := min(from+j.size(j.n-from), j.n)
		if !j.next.CompareAndSwap(int64(from), int64(to)) {
			continue // somebody else took it
		}
		j.part(from, to)
		if j.left.Add(int64(from-to)) == 0 {
			j.done <- struct{}{}
		}
	}
}

// size is the length of the next part when so many items are left: half of a processor's share of
// them, but not less than an eighth of its share of all, so that parts are few and those that end last are short.
//
// Source: Polychronopoulos & Kuck 1987, "Guided self-scheduling: a practical scheduling scheme for
// parallel supercomputers".
func (j *job) size(left int) int {
	n := max(left/(2*j.procs), j.n/(8*j.procs), 1)
	return (n + j.align - 1) / j.align * j.align
}

// part does a part; a panic is kept for the goroutine that Split.
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

// A patience is how long who waits looks again before he sleeps, in nanoseconds. To wake a sleeper costs some
// 50 microseconds (BenchmarkSplit), more than a small piece of work; but who looks while another program wants his
// processor delays both, and the part that is waited for with them.
type patience struct {
	atomic.Int64
	clock atomic.Pointer[func() time.Time]
}

// The patience grows from the least to the most while nobody else wants a processor, and begins anew if somebody
// had it: if between two looks more than a pause has passed. Without a clock it is so many looks, some 0.1 ms.
const (
	leastPatience = 20_000
	mostPatience  = 500_000
	pause         = 200_000
	looks         = 100_000
)

// looking is the patience of all.
var looking patience

// SetClock lets who waits for work see how long he has. It changes no result, only how soon he sleeps.
func SetClock(now func() time.Time) { looking.clock.Store(&now) }

// wait waits until x is zero, or is not, and tells whether that came before the patience was over.
func (p *patience) wait(x *atomic.Int64, zero bool) bool {
	now := p.clock.Load()
	if now == nil {
		for range looks {
			if (x.Load() == 0) == zero {
				return true
			}
		}
		return false
	}
	limit := max(leastPatience, p.Load())
	start := (*now)()
	for last := time.Duration(0); ; {
		for range 100 {
			if (x.Load() == 0) == zero {
				p.Store(min(mostPatience, limit+limit/64))
				return true
			}
		}
		past := (*now)().Sub(start)
		switch {
		case past-last > pause:
			p.Store(leastPatience)
			return false
		case int64(past) > limit:
			return false
		}
		last = past
	}
}

// invitations are jobs that workers may help with, one for each worker wanted.
type invitations struct {
	jobs    chan *job
	waiting atomic.Int64
}

// workers are goroutines that wait for invitations, made at the first use.
var workers = sync.OnceValue(func() *invitations {
	w := &invitations{jobs: make(chan *job, 64)}
	for range max(1, runtime.GOMAXPROCS(0)-1) { // the caller of Split works too; without a worker, invitations would pile up
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

// take waits for an invitation, awake at first.
func (w *invitations) take() *job {
	for looking.wait(&w.waiting, false) {
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

// SplitEvenly is Split into two parts for each processor, for work whose parts take equally long and
// each read all of something else, as the parts of a product do.
func SplitEvenly(work Work, n, align int) {
	parts := 2 * max(1, int(procs.Load()))
	Split(work, n, (n+parts*align-1)/(parts*align)*align)
}

// Split does work on n items in parts of a multiple of align, on as many processors as
// SetProcs allows. Parts become shorter, and who is free takes the next, so that one that is slow
// or busy with other things holds nobody up. Work of a single part is done here and now. A panic of a part is a panic of Split, after all parts
// have ended.
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
	j.help()
	if !looking.wait(&j.left, true) {
		looking.Store(leastPatience) // a helper has lost his processor
	}
	<-j.done
	failed := j.failed.Swap(nil)
	j.release()
	if failed != nil {
		panic(*failed)
	}
}
