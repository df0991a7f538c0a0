package record

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// WriteShared writes a file that many folders have with the same content: path becomes a link to one file of that content in
// the folder store, which is made if need be. A link is a file like any other: it can be moved and copied, and the store can
// be removed. Where there can be no link, on another file system or one without links, it becomes a copy.
//
// The file in the store is named by its SHA-256 and compared with the content before each link. If it has been damaged
// a new one takes its place, for this link and those to come. It may only be read, since a change would be one of all files
// that are linked to it.
//
// Path is the old file, none or the new one at any time. WriteDone makes its name durable.
func WriteShared(path string, data []byte, store string) error {
	shared := filepath.Join(store, SumOf(data).SHA256[:16]+filepath.Ext(path))
	for range 2 { // again if another process was faster
		if there, err := os.ReadFile(shared); err == nil {
			if bytes.Equal(there, data) {
				err = link(shared, path)
				if err == nil {
					return nil
				}
				if !errors.Is(err, syscall.EMLINK) {
					return WriteFileAtomic(path, data)
				}
			}
			// It is damaged, or has as many links as a file may have: 65,000 on ext4. If it cannot be removed, path
			// becomes a copy.
			os.Remove(shared)
		}
		if err := WriteFileAtomic(path, data); err != nil {
			return err
		}
		if err := offer(path, shared); !errors.Is(err, fs.ErrExist) {
			return nil // or there can be no links
		}
	}
	return nil
}

// offer makes a file the one in the store, if there is none.
func offer(path, shared string) error {
	if err := os.MkdirAll(filepath.Dir(shared), 0o777); err != nil {
		return err
	}
	if err := os.Link(path, shared); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()&^0o222)
}

// link makes path a link to a file, and removes what is there.
func link(file, path string) error {
	err := os.Link(file, path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Link(file, path)
}
