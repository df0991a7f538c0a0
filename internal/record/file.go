package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteFileAtomic is WriteFile for bytes that are in memory.
func WriteFileAtomic(path string, data []byte) error {
	return WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteFile writes what the function writes. A reader, or the machine after a power cut, finds the old
// file or the new one and never a part; on failure the old file stays. A new file has the mode that the umask
// gives, an existing one keeps its own.
//
// A device, a pipe and a symbolic link are not replaced: they are opened and written to, without that
// promise. The data pass through a buffer, so that a file may be larger than the memory.
func WriteFile(path string, write func(io.Writer) error) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace(path, nil, write)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s: is a folder; name a file", path)
	case info.Mode().IsRegular():
		return replace(path, info, write)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(buffered(f, write), f.Close())
}

// buffered writes to a file in large pieces.
func buffered(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(f, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// replace writes a file under another name and renames it. It keeps the mode of the old file, if there is one.
// It also removes what a killed process has left of this file.
func replace(path string, old fs.FileInfo, write func(io.Writer) error) (err error) {
	if err := cleanUp(filepath.Dir(path), filepath.Base(path)); err != nil {
		return err
	}
	f, err := createPart(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) // while the lock is held, see createPart
			f.Close()           // a second Close does no harm
		}
	}()
	if old != nil {
		if err = f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	if err = buffered(f, write); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// partSuffix ends the name of a file that is being written: ".NAME.PROCESS-NUMBER.tmp".
const partSuffix = ".tmp"

// createPart makes the file that will become path. It is locked for as long as it is open, so that CleanUp
// knows it from what a killed process has left.
func createPart(path string) (*os.File, error) {
	for n := 0; ; n++ {
		part := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d-%d%s", filepath.Base(path), os.Getpid(), n, partSuffix))
		f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); errors.Is(err, ErrLocked) || !isAt(f, part) { // CleanUp was faster and removes it
			f.Close()
			continue
		}
		return f, nil // also where the file system has no locks
	}
}

// isAt tells whether a path still leads to an open file.
func isAt(f *os.File, path string) bool {
	there, err := os.Stat(path)
	here, errHere := f.Stat()
	return err == nil && errHere == nil && os.SameFile(there, here)
}

// CleanUp removes the parts that processes killed in WriteFile have left in a folder of which every file is ours.
// The part of a living process stays, and so does one that may not be removed.
func CleanUp(dir string) error { return cleanUp(dir, "") }

// cleanUp is CleanUp for the parts of one file, or of all if none is named.
func cleanUp(dir, only string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, part := range names {
		if name, ok := partOf(part); ok && (only == "" || name == only) {
			removeDead(filepath.Join(dir, part))
		}
	}
	return nil
}

// partOf is the name of the file whose part has this name.
func partOf(part string) (name string, ok bool) {
	name, begins := strings.CutPrefix(part, ".")
	name, ends := strings.CutSuffix(name, partSuffix)
	dot := strings.LastIndexByte(name, '.')
	if !begins || !ends || dot < 1 {
		return "", false
	}
	return name[:dot], true
}

// removeDead removes a part whose process has ended.
func removeDead(path string) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lockFile(f) == nil {
		os.Remove(path)
	}
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
