//go:build unix && !linux

package record

import "errors"

// mknod is for Linux, whose numbers of devices the test knows.
func mknod(string, int, int) error { return errors.ErrUnsupported }
