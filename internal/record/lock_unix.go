//go:build unix

package record

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLocked says that another process has locked a folder or a file.
var ErrLocked = errors.New("another process has locked this")

// Lock claims a folder that one machine uses until the returned function is called or the process ends,
// however it ends. It returns ErrLocked if another process has it. Folders that several machines share need package owner.
func Lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil // closing releases; the file stays, so that no two processes lock two files
}

// lockFile locks a file until it is closed. It returns ErrLocked if another process has it, or another opening in
// this one, and another error where the file system has no locks.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
