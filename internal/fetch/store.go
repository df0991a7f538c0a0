package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"vaelab/internal/record"
)

// A Store is the folder that published data sets are kept in. Only Dir is needed; Client,
// Pause and Progress are for Fetch.
type Store struct {
	Dir string
	// Client asks the servers. It should give up on a connection that stays silent. Nil is
	// http.DefaultClient, which never does.
	Client *http.Client
	// Pause waits before another attempt, the first of which has number 1, and returns ctx's
	// error if that ends meanwhile. Nil does not wait.
	Pause func(ctx context.Context, attempt int) error
	// Progress, if not nil, is told how many bytes of a file have arrived; total is 0 if no one
	// knows.
	Progress func(file string, done, total int64)
	// Note, if not nil, is told what a user may want to know while files arrive, a line each.
	Note func(line string)

	most  bound                                   // of an archive; zero is the default, for tests
	write func(*os.File, []byte) (n int, e error) // nil is the file's own, for tests
}

// Folder is where a data set lies.
func (s Store) Folder(d Dataset) string { return filepath.Join(s.Dir, d.Name) }

// Missing returns the files that have not been fetched. It does not read those that have.
func (s Store) Missing(d Dataset) []File {
	var missing []File
	for _, f := range d.Files {
		if info, err := os.Stat(filepath.Join(s.Folder(d), f.Name)); err != nil || !info.Mode().IsRegular() {
			missing = append(missing, f)
		}
	}
	return missing
}

// Fetch brings every file of a data set that is not there yet, checks those that are, and
// unpacks archives. If ctx ends it returns ctx's error, and the next Fetch goes on where this
// one stopped. If no address gives a file it returns an *UnavailableError.
func (s Store) Fetch(ctx context.Context, d Dataset) error {
	unlock, err := s.open(d)
	if err != nil {
		return err
	}
	defer unlock()
	for _, f := range d.Files {
		path := filepath.Join(s.Folder(d), f.Name)
		var wrong *WrongError
		switch err := f.check(path); {
		case err == nil:
			s.note(f.Name + ": there already")
		case errors.As(err, &wrong):
			if err := os.Rename(path, path+".wrong"); err != nil {
				return err
			}
			s.note(fmt.Sprintf("%v; kept as %s.wrong, to be fetched again", wrong, f.Name))
			fallthrough
		case errors.Is(err, fs.ErrNotExist):
			switch err := s.fetchFile(ctx, f, path); {
			case ctx.Err() != nil && err != nil:
				return ctx.Err()
			case err != nil:
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		default:
			return err
		}
		if err := s.expand(path); err != nil {
			return err
		}
	}
	return nil
}

// Import copies files that were got by hand into the store: each must be one of the data
// set's, whatever its name. It returns their names in the store.
func (s Store) Import(d Dataset, paths []string) (names []string, err error) {
	unlock, err := s.open(d)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, p := range paths {
		f, err := d.recognise(p)
		if err != nil {
			return names, err
		}
		to := filepath.Join(s.Folder(d), f.Name)
		if err := s.copyFile(f, p, to); err != nil {
			return names, err
		}
		if err := s.expand(to); err != nil {
			return names, err
		}
		names = append(names, f.Name)
	}
	return names, nil
}

// Verify reads all files of a data set again. The error has a line for each that is missing or
// wrong.
func (s Store) Verify(d Dataset) error {
	var faults []error
	for _, f := range d.Files {
		path := filepath.Join(s.Folder(d), f.Name)
		err := f.check(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s: missing", f.Name)
		} else if err == nil && strings.HasSuffix(path, ".zip") {
			err = s.verifyUnpacked(path)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", d.Name, err))
		}
	}
	return errors.Join(faults...)
}

// open makes a data set's folder, claims it, and removes what a killed process left there.
func (s Store) open(d Dataset) (unlock func(), err error) {
	dir := s.Folder(d)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, s.local(err)
	}
	unlock, err = record.Lock(dir)
	if errors.Is(err, record.ErrLocked) {
		return nil, fmt.Errorf("%s: another process is fetching into this folder; wait for it", dir)
	}
	if err != nil {
		return nil, s.local(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")) // the pattern is well formed
	for _, l := range left {
		if err := os.RemoveAll(l); err != nil {
			unlock()
			return nil, err
		}
	}
	return unlock, nil
}

// expand unpacks a file that is an archive.
func (s Store) expand(path string) error {
	if !strings.HasSuffix(path, ".zip") {
		return nil
	}
	return s.unpack(path)
}

// recognise returns which file of the data set lies at path.
func (d Dataset) recognise(path string) (File, error) {
	var like *WrongError // the complaint of the file with the same name
	var want []string
	for _, f := range d.Files {
		err := f.check(path)
		if err == nil {
			return f, nil
		}
		var wrong *WrongError
		if !errors.As(err, &wrong) {
			return File{}, err
		}
		if plain := (File{Name: f.Name, SHA256: f.Unpacked}); f.Unpacked != "" && plain.check(path) == nil {
			return File{}, fmt.Errorf("%s: is the unpacked %s; compress it with gzip and import the result", path, f.Name)
		}
		if f.Name == filepath.Base(path) || len(d.Files) == 1 {
			like = wrong
		}
		want = append(want, f.Name)
	}
	if like != nil {
		return File{}, fmt.Errorf("%s: not accepted: %w", path, like)
	}
	return File{}, fmt.Errorf("%s: not accepted: its hash is that of no file of %s (%s)", path, d.Name, strings.Join(want, ", "))
}

// copyFile copies a file, checks the copy, and only then gives it its name.
func (s Store) copyFile(f File, from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.CreateTemp(filepath.Dir(to), "."+f.Name+".*.tmp")
	if err != nil {
		return s.local(err)
	}
	defer os.Remove(w.Name()) // nothing, once it is renamed
	_, err = s.copy(w, r)
	if err == nil {
		err = s.local(errors.Join(w.Chmod(0o644), w.Sync()))
	}
	if closed := w.Close(); err == nil {
		err = s.local(closed)
	}
	if err == nil {
		err = f.check(w.Name())
	}
	if err != nil {
		return err
	}
	return rename(w.Name(), to)
}

// rename gives a finished file or folder its name, so that it lasts.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// A localError is a fault of this machine, which no other address will mend.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// local marks a fault of this machine, and says what to do about a full disk.
func (s Store) local(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		return &localError{fmt.Errorf("the disk of %s is full: %w; free some space or choose another folder, then fetch again; the downloaded part is kept", s.Dir, err)}
	}
	return &localError{err}
}

// copy copies until the end of r. A fault of the disk is a *localError, any other is r's.
func (s Store) copy(w *os.File, r io.Reader) (int64, error) {
	buf := make([]byte, 64<<10)
	var done int64
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if werr := s.put(w, buf[:n]); werr != nil {
				return done, s.local(werr)
			}
			done += int64(n)
		}
		if err == io.EOF {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
}

func (s Store) put(w *os.File, b []byte) error {
	write := s.write
	if write == nil {
		write = (*os.File).Write
	}
	_, err := write(w, b)
	return err
}

func (s Store) bound() bound {
	if s.most == (bound{}) {
		return bound{files: 200_000, bytes: maxUnpacked}
	}
	return s.most
}

func (s Store) note(line string) {
	if s.Note != nil {
		s.Note(line)
	}
}
