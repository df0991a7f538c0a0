//go:build !unix

package record

import (
	"errors"
	"os"
)

// ErrLocked says that another process has locked a folder or a file.
var ErrLocked = errors.New("another process has locked this")

// Lock does nothing where there is no flock.
func Lock(string) (unlock func(), err error) { return func() {}, nil }

// lockFile does nothing. A file that another process has open cannot be removed on Windows, which serves CleanUp as well.
func lockFile(*os.File) error { return nil }
