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

// A task is a part of some work, for a worker.
type task struct {
	work     Work
	from, to int
	done     *sync.WaitGroup
}

// workers are goroutines that wait for tasks, made at the first use, one a processor.
var workers = sync.OnceValue(func() chan<- task {
	tasks := make(chan task, 64)
	for range runtime.NumCPU() {
		go func() {
			for t := range tasks {
				t.work.Part(t.from, t.to)
				t.done.Done()
			}
		}()
	}
	return tasks
})

// Split does work on n items in parts of a multiple of align, on as many processors as
// SetProcs allows. Work of a single part is done here and now.
func Split(work Work, n, align int) {
	p := int(procs.Load())
	size := (n/max(1, p) + align - 1) / align * align
	if p <= 1 || size == 0 || size >= n {
		work.Part(0, n)
		return
	}
	done := waitGroups.Get().(*sync.WaitGroup)
	for from := size; from < n; from += size {
		done.Add(1)
		workers() <- task{work, from, min(n, from+size), done}
	}
	work.Part(0, size)
	done.Wait()
	waitGroups.Put(done)
}

var waitGroups = sync.Pool{New: func() any { return new(sync.WaitGroup) }}
