package submit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// CopyProgram puts a copy of a program into the folder of a submission. Where an earlier submission has the same
// program, the copy is a link to it.
func CopyProgram(program, folder string, earlier []string) error {
	to := filepath.Join(folder, ProgramFile)
	for i := len(earlier) - 1; i >= 0; i-- {
		copied := filepath.Join(earlier[i], ProgramFile)
		if same, err := equal(program, copied); err == nil && same && os.Link(copied, to) == nil {
			return nil
		}
	}
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o777)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the program cannot be copied: %w", err)
	}
	return nil
}

// equal compares two files byte for byte.
func equal(a, b string) (bool, error) {
	x, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer x.Close()
	y, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer y.Close()
	if infoX, err := x.Stat(); err != nil {
		return false, err
	} else if infoY, err := y.Stat(); err != nil || infoX.Size() != infoY.Size() {
		return false, err
	}
	const chunk = 1 << 20
	bufX, bufY := make([]byte, chunk), make([]byte, chunk)
	for {
		n, errX := io.ReadFull(x, bufX)
		m, errY := io.ReadFull(y, bufY)
		if !bytes.Equal(bufX[:n], bufY[:m]) {
			return false, nil
		}
		if errors.Is(errX, io.EOF) || errors.Is(errX, io.ErrUnexpectedEOF) {
			return errors.Is(errY, errX), nil
		}
		if err := errors.Join(errX, errY); err != nil {
			return false, err
		}
	}
}
