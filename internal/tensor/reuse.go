package tensor

import "sync"

// pools has a pool for each type whose values are reused; its key is a nil pointer to the type.
var pools sync.Map

func poolOf[T any]() *sync.Pool {
	key := any((*T)(nil))
	if pool, ok := pools.Load(key); ok {
		return pool.(*sync.Pool)
	}
	pool, _ := pools.LoadOrStore(key, &sync.Pool{New: func() any { return new(T) }})
	return pool.(*sync.Pool)
}

// Borrow reuses memory that Return was given, with its old contents, or allocates new memory, of zeros. An operation that
// returns what it borrowed allocates nothing when it runs again.
func Borrow[T any]() *T { return poolOf[T]().Get().(*T) }

// Return makes memory available to Borrow. The caller must not use it afterwards.
func Return[T any](memory *T) { poolOf[T]().Put(memory) }

// Run is Split for work that is given by its value. Split's own argument would be allocated at each call.
func Run[T any, W interface {
	*T
	Work
}](work T, n, align int) {
	pool := poolOf[T]()
	w := pool.Get().(*T)
	*w = work
	Split(W(w), n, align)
	pool.Put(w)
}
