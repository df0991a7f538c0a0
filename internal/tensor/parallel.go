package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
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

// A join waits for the parts of one Split, and keeps the panic of one that failed.
type join struct {
	parts  sync.WaitGroup
	failed atomic.Pointer[any]
}

var joins = sync.Pool{New: func() any { return new(join) }}

// run does a part; a panic is kept for the goroutine that Split.
func (j *join) run(work Work, from, to int) {
	defer func() {
		if r := recover(); r != nil {
			j.failed.CompareAndSwap(nil, &r)
		}
	}()
	work.Part(from, to)
}

// A task is a part of some work, for a worker.
type task struct {
	work     Work
	from, to int
	join     *join
}

// workers are goroutines that wait for tasks, made at the first use, one a processor.
var workers = sync.OnceValue(func() chan<- task {
	tasks := make(chan task, 64)
	for range runtime.NumCPU() {
		go func() {
			for t := range tasks {
				t.join.run(t.work, t.from, t.to)
				t.join.parts.Done()
			}
		}()
	}
	return tasks
})

// Split does work on n items in parts of a multiple of align, on as many processors as
// SetProcs allows. Work of a single part is done here and now. A panic of a part is a panic
// of Split, after all parts have ended.
func Split(work Work, n, align int) {
	p := max(1, int(procs.Load()))
	size := ((n+p-1)/p + align - 1) / align * align
	if p == 1 || size >= n {
		work.Part(0, n)
		return
	}
	j := joins.Get().(*join)
	for from := size; from < n; from += size {
		j.parts.Add(1)
		workers() <- task{work, from, min(n, from+size), j}
	}
	j.run(work, 0, size)
	j.parts.Wait()
	failed := j.failed.Swap(nil)
	joins.Put(j)
	if failed != nil {
		panic(*failed)
	}
}
