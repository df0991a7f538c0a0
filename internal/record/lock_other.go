//go:build !unix

package record

import (
	"errors"
	"os"
)

// ErrLocked says that another process is at work in a trial's folder.
var ErrLocked = errors.New("another process is running this trial")

// Lock does nothing where there is no flock: do not run one experiment twice at a time.
func Lock(string) (unlock func(), err error) { return func() {}, nil }

// lockFile does nothing. A file that another process has open cannot be removed on Windows, which serves CleanUp as well.
func lockFile(*os.File) error { return nil }
