package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"vaelab/internal/host"
)

// WriteFileAtomic is WriteFile for bytes that are in memory.
func WriteFileAtomic(path string, data []byte) error { return WriteFiles(Bytes(path, data)) }

// WriteFile writes what the function writes. A reader, or the machine after a power cut, finds the old
// file or the new one and never a part; on failure the old file stays. A new file has the mode that the umask
// gives, an existing one keeps its own.
//
// A device, a pipe and a symbolic link are not replaced: they are opened and written to, without that
// promise. The data pass through a buffer, so that a file may be larger than the memory.
func WriteFile(path string, write func(io.Writer) error) error {
	return WriteFiles(File{path, write})
}

// A File is what WriteFiles writes to a path.
type File struct {
	Path  string
	Write func(io.Writer) error
}

// Bytes is a file of bytes that are in memory.
func Bytes(path string, data []byte) File {
	return File{path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// WriteFiles is WriteFile for files that belong together: it renames them one after the other when all of them are
// complete and on the disk. If one cannot be written, none of them changes. Only a rename that fails, or a process
// killed between two renames, leaves new files beside old ones. What is not replaced (see WriteFile) is written to before
// the first rename.
func WriteFiles(files ...File) error {
	var parts []*part
	defer func() {
		for _, p := range parts {
			p.close()
		}
	}()
	var direct []File // what is not replaced
	for _, f := range files {
		info, err := os.Lstat(f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			info = nil
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s: is a folder; name a file", f.Path)
		case !info.Mode().IsRegular():
			direct = append(direct, f)
			continue
		}
		p, err := writePart(f, info)
		if err != nil {
			return err
		}
		parts = append(parts, p)
	}
	for _, f := range direct {
		if err := f.overwrite(); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if err := p.rename(); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if err := syncDir(filepath.Dir(p.path)); err != nil {
			return err
		}
	}
	return nil
}

// overwrite opens what is at the path and writes to it.
func (f File) overwrite() error {
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(buffered(file, f.Write), file.Close())
}

// buffered writes to a file in large pieces.
func buffered(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(f, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// A part is a file that is being written under a name of its own, see createPart.
type part struct {
	*os.File
	path    string // where it is to be
	renamed bool
}

// writePart writes the part of a file and syncs it. It keeps the mode of the old file, if there is one. It also removes what
// a killed process has left of this file.
func writePart(file File, old fs.FileInfo) (*part, error) {
	f, err := createPart(file.Path)
	if err != nil {
		return nil, err
	}
	p := &part{File: f, path: file.Path}
	err = cleanUp(filepath.Dir(file.Path), filepath.Base(file.Path), func() (time.Time, error) { return modTime(f) })
	if err == nil && old != nil {
		err = f.Chmod(old.Mode().Perm())
	}
	if err == nil {
		err = buffered(f, file.Write)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// rename puts the part in its place.
func (p *part) rename() error {
	if err := os.Rename(p.Name(), p.path); err != nil {
		return err
	}
	p.renamed = true
	return p.File.Close()
}

// close removes the part unless it is in its place.
func (p *part) close() {
	if !p.renamed {
		os.Remove(p.Name()) // while the lock is held, see createPart
	}
	p.File.Close() // a second Close does no harm
}

// partSuffix ends the name of a file that is being written: ".NAME.HOST-PROCESS-NUMBER.tmp". Older versions
// wrote ".NAME.PROCESS-NUMBER.tmp".
const partSuffix = ".tmp"

// createPart makes the file that will become path. It is locked for as long as it is open, so that CleanUp
// knows it from what a killed process has left.
func createPart(path string) (*os.File, error) {
	for n := 0; ; n++ {
		part := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%s-%d-%d%s", filepath.Base(path), host.ID(), os.Getpid(), n, partSuffix))
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
// The part of a living process stays, and so does one that may not be removed. What a process of another host has left
// goes when it is an hour old.
func CleanUp(dir string) error {
	return cleanUp(dir, "", sync.OnceValues(func() (time.Time, error) { return ServerTime(dir) }))
}

// cleanUp is CleanUp for the parts of one file, or of all if none is named. The clock is asked for the server's time.
func cleanUp(dir, only string, clock func() (time.Time, error)) error {
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
		if name, at, ok := partOf(part); ok && (only == "" || name == only) {
			removeDead(filepath.Join(dir, part), at, clock)
		}
	}
	return nil
}

// partForm is the form of a part's name.
var partForm = regexp.MustCompile(`^\.(.+)\.(?:([0-9a-f]{8})-)?[0-9]+(?:-[0-9]+)?\` + partSuffix + `$`)

// partOf is the name of the file whose part has this name, and the host of the process that writes it: "" for a part
// of an older version.
func partOf(part string) (name, at string, ok bool) {
	m := partForm.FindStringSubmatch(part)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// IsPart tells whether a file of this name is one that WriteFile has not finished.
func IsPart(name string) bool {
	_, _, ok := partOf(name)
	return ok
}

// abandoned is the age from which a part of another host is that of a dead process. Writing takes seconds.
const abandoned = time.Hour

// removeDead removes a part whose process has ended. On this host a lock tells. The lock of another host need not be seen
// here, on NFS mounted with local_lock for one; there the age tells, by the clock of the file server.
func removeDead(path, at string, clock func() (time.Time, error)) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	locked := lockFile(f)
	if errors.Is(locked, ErrLocked) {
		return
	}
	if at != host.ID() || locked != nil { // or the file system has no locks
		if now, err := clock(); err != nil || now.Sub(info.ModTime()) < abandoned {
			return
		}
	}
	os.Remove(path)
}

// ServerTime is the time by the clock that stamps the files in a folder: that of a file which it makes there and
// removes. On a network file system this is the server's clock, from which those of the hosts may differ.
func ServerTime(dir string) (time.Time, error) {
	f, err := createPart(filepath.Join(dir, "clock"))
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	defer os.Remove(f.Name()) // before it is closed
	return modTime(f)
}

// modTime is when an open file was changed last.
func modTime(f *os.File) (time.Time, error) {
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
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
