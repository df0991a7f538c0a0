package fetch

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
)

// A bound is the most that an archive may unpack to.
type bound struct {
	files int
	bytes int64
}

// A member is a file of an archive, with its path below the folder it is unpacked to.
type member struct {
	*zip.File
	path string
}

// unpackedDir is the folder an archive is unpacked to: its name without .zip.
func unpackedDir(archive string) string { return strings.TrimSuffix(archive, ".zip") }

// unpack unpacks a zip archive beside itself. The folder appears with its last file; an
// archive that is refused, or a full disk, leaves none.
func (s Store) unpack(archive string) error {
	r, all, err := s.openArchive(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	dir := unpackedDir(archive)
	if same(all, dir) == nil {
		return nil
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // nothing, once it is renamed
	if err := s.extract(all, tmp); err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil { // an older one that is damaged
		return err
	}
	return rename(tmp, dir)
}

// openArchive opens an archive whose members may be unpacked.
func (s Store) openArchive(archive string) (*zip.ReadCloser, []member, error) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", archive, err)
	}
	all, err := members(&r.Reader, filepath.Base(unpackedDir(archive))+"/", s.bound())
	if err != nil {
		r.Close()
		return nil, nil, fmt.Errorf("%s: refused: %w", archive, err)
	}
	return r, all, nil
}

// members returns the files of an archive that are wanted, without the folder top if they
// all lie in it, or why the archive must not be unpacked.
func members(r *zip.Reader, top string, most bound) ([]member, error) {
	var all []member
	var total uint64
	inside := true
	for _, f := range r.File {
		if litter(f.Name) {
			continue
		}
		if err := harmless(f); err != nil {
			return nil, err
		}
		if f.Mode().IsDir() {
			continue
		}
		if len(all) == most.files {
			return nil, fmt.Errorf("it holds more than %d files", most.files)
		}
		if f.UncompressedSize64 > uint64(most.bytes)-total {
			return nil, fmt.Errorf("it would unpack to more than %d bytes", most.bytes)
		}
		total += f.UncompressedSize64
		inside = inside && strings.HasPrefix(f.Name, top)
		all = append(all, member{f, path.Clean(f.Name)})
	}
	for i := range all {
		if inside {
			all[i].path = strings.TrimPrefix(all[i].path, top)
		}
	}
	return all, nil
}

// litter says whether a name is what macOS leaves in archives, SNLI's among them.
func litter(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(name, "__MACOSX/") || base == ".DS_Store" || base == "Icon\r"
}

// harmless returns why a member must not be unpacked, or nil.
func harmless(f *zip.File) error {
	name := strings.TrimSuffix(f.Name, "/")
	switch mode := f.Mode(); {
	case strings.ContainsFunc(name, unicode.IsControl), strings.ContainsRune(name, '\\'):
		return fmt.Errorf("its member %q has a name with a backslash or a control character", f.Name)
	case !filepath.IsLocal(filepath.FromSlash(name)), strings.Contains("/"+name+"/", "/../"):
		return fmt.Errorf("its member %q would lie outside the folder", f.Name)
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("its member %q is a symbolic link", f.Name)
	case !mode.IsRegular() && !mode.IsDir():
		return fmt.Errorf("its member %q is neither a file nor a folder", f.Name)
	}
	return nil
}

// extract writes members below dir, which no name and no link can leave.
func (s Store) extract(all []member, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, m := range all {
		if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(m.path)), 0o755); err != nil {
			return s.local(err)
		}
		f, err := root.OpenFile(filepath.FromSlash(m.path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("refused: it holds %q twice", m.Name)
		}
		if err != nil {
			return s.local(err)
		}
		err = s.extractOne(m, f)
		if closed := f.Close(); err == nil && closed != nil {
			err = s.local(closed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// extractOne writes one member. What it holds may differ from what its header says: archive/zip
// stops at the first byte too many, and at the end finds too few and a wrong CRC-32.
func (s Store) extractOne(m member, f *os.File) error {
	r, err := m.Open()
	if err != nil {
		return fmt.Errorf("its member %q: %w", m.Name, err)
	}
	defer r.Close()
	_, err = s.copy(f, r)
	var full *localError
	if err != nil && !errors.As(err, &full) {
		return fmt.Errorf("refused: its member %q: %w", m.Name, err)
	}
	return err
}

// same compares an unpacked folder with its archive's table: sizes and CRC-32.
func same(all []member, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, m := range all {
		if err := sameOne(m, root); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, filepath.FromSlash(m.path)), err)
		}
	}
	return nil
}

func sameOne(m member, root *os.Root) error {
	f, err := root.Open(filepath.FromSlash(m.path))
	if err != nil {
		return errors.New("missing or not readable")
	}
	defer f.Close()
	h := crc32.NewIEEE()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if uint64(n) != m.UncompressedSize64 || h.Sum32() != m.CRC32 {
		return errors.New("differs from the archive")
	}
	return nil
}

// verifyUnpacked compares the folder of an archive with it.
func (s Store) verifyUnpacked(archive string) error {
	r, all, err := s.openArchive(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	return same(all, unpackedDir(archive))
}
