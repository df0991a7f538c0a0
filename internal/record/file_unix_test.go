//go:build unix

package record

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWriteFileKeepsMode: a new file has the mode that the umask leaves, an old one keeps its own.
func TestWriteFileKeepsMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	path := filepath.Join(t.TempDir(), "a.csv")
	for _, want := range []fs.FileMode{0o640, 0o600, 0o664} {
		if _, err := os.Stat(path); err == nil {
			if err := os.Chmod(path, want); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteFileAtomic(path, []byte("text")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("mode %v (%v), want %v", info.Mode(), err, want)
		}
	}
}

// TestWriteFileFollowsLinks: what a link leads to is written, and the link stays.
func TestWriteFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"the file is new", "shorter"} {
		if err := WriteFileAtomic(link, []byte(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, file, text)
		if to, err := os.Readlink(link); err != nil || to != "file" {
			t.Errorf("the link is gone: %v", err)
		}
	}
}

// TestWriteFileIntoPipe: who reads a pipe gets the text, and the pipe stays.
func TestWriteFileIntoPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	want := bytes.Repeat([]byte("more than a pipe holds"), 10_000)
	got := make(chan []byte)
	go func() {
		text, _ := os.ReadFile(path)
		got <- text
	}()
	if err := WriteFileAtomic(path, want); err != nil {
		t.Fatal(err)
	}
	if text := <-got; !bytes.Equal(text, want) {
		t.Errorf("%d bytes came out, want %d", len(text), len(want))
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is now %v", info.Mode())
	}
}

// TestWriteFileIntoDevice: a device takes the text, or refuses it, and stays a device. Node 1, 3 of Linux throws away what is
// written, 1, 7 is a full disk.
func TestWriteFileIntoDevice(t *testing.T) {
	for minor, full := range map[int]bool{3: false, 7: true} {
		path := filepath.Join(t.TempDir(), "device")
		if err := mknod(path, 1, minor); err != nil {
			t.Skip("no device can be made: ", err)
		}
		err := WriteFileAtomic(path, []byte("text"))
		if errors.Is(err, fs.ErrPermission) {
			t.Skip("no device can be opened here: ", err)
		}
		if (err != nil) != full || full && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("device 1, %d: %v", minor, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
			t.Errorf("the device is now %v", info.Mode())
		}
	}
}

// TestWriteFilesBesideFullDevice: if a device among the files is full, none of the others changes.
func TestWriteFilesBesideFullDevice(t *testing.T) {
	dir := t.TempDir()
	png, device := filepath.Join(dir, "a.png"), filepath.Join(dir, "a.csv")
	if err := errors.Join(mknod(device, 1, 7), WriteFileAtomic(png, []byte("old"))); err != nil {
		t.Skip("no device can be made: ", err)
	}
	err := WriteFiles(Bytes(png, []byte("new")), Bytes(device, []byte("new")))
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("no device can be opened here: ", err)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full device gives %v", err)
	}
	holds(t, png, "old")
	only(t, dir, "a.png", "a.csv")
}
