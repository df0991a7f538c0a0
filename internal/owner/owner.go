// Package owner lets one process at a time work in a folder that several machines may share. It needs no lock of the
// file system: flock does not reach other nodes on NFS with local_lock, nor on GPFS and Lustre without a mount option.
//
// # Claims
//
// A folder has the files claim.1, claim.2 ... The highest number is the owner's. A process claims the folder by making
// the next file exclusively (O_CREAT|O_EXCL), which one of several processes can do, on NFS too. No claim under which anything
// was written is renamed or removed while the work goes on, so that two owners never have one number.
//
//	{"host":"n1","pid":123,"job":"12_3",...}   one line that says who made it
//	.....                                      one byte for each heartbeat
//	released                                   in a line of its own, when the owner has stopped
//
// A claim is dead if it has not grown for three heartbeats on the clock of the process that watches it. Clocks of
// different machines are never compared. A claim is dead at once if its process is gone from this machine, or if the same
// job of the batch system has been started again, which is us. Anybody may then make the next claim.
//
// A process that was merely slow finds the higher claim, at its next heartbeat or by Check, and has lost the folder.
// It has to call Check before it publishes anything. Between Check and the publication it may be overtaken, so two owners
// must never write the same file: names carry the claim's Number until they are published by a rename.
//
// When the work is done for good, its last owner calls Clear.
package owner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Heartbeat is the usual time between two heartbeats.
const Heartbeat = 30 * time.Second

// missed is the number of heartbeats without which a claim is dead. The names in a folder may be a minute old on NFS
// (acdirmax), so that three times Heartbeat is long enough for a living owner to be seen.
const missed = 3

// Patience is the usual time after which a claim that does not grow is dead.
const Patience = missed * Heartbeat

// prefix begins the names of claims; a number follows.
const prefix = "claim."

const released = "\nreleased\n"

// ErrLost says that another process has taken a folder over.
var ErrLost = errors.New("another process has taken this trial over")

// A Held says that a living process, or one that may still live, has a folder.
type Held struct {
	By    Process
	Alive bool // it has shown a sign of life since we first looked
}

func (h *Held) Error() string { return fmt.Sprintf("held by %v", h.By) }

// A Claim is a folder's, for as long as Check says so.
type Claim struct {
	dir    string
	number int
	who    Process
	lost   context.CancelCauseFunc
	stop   context.CancelFunc
	ended  chan struct{} // closed when no heartbeat is written any more
}

// Number is the claim's own among all that the folder ever had, from 1.
func (c *Claim) Number() int { return c.number }

// take makes the next claim after the highest of a folder. It returns fs.ErrExist if another process was faster.
func take(dir string, highest int, who Process) (*Claim, error) {
	var nonce [8]byte
	rand.Read(nonce[:])
	who.Nonce = hex.EncodeToString(nonce[:])
	line, err := json.Marshal(who)
	if err != nil {
		return nil, err
	}
	c := &Claim{dir: dir, number: highest + 1, who: who}
	f, err := os.OpenFile(c.path(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		// A full disk. Nothing has been written under this number, so that another may have it.
		return nil, errors.Join(fmt.Errorf("%s: %w", c.path(), err), os.Remove(c.path()))
	}
	if err := c.Check(); err != nil { // one that was made before an old Clear ended
		return nil, err
	}
	return c, nil
}

func (c *Claim) path() string { return filepath.Join(c.dir, prefix+strconv.Itoa(c.number)) }

// Keep writes heartbeats until Release, and returns a context that ends with the cause ErrLost if another process takes
// the folder over.
func (c *Claim) Keep(ctx context.Context) context.Context {
	kept, lost := context.WithCancelCause(ctx)
	beats, stop := context.WithCancel(context.Background()) // while a stopped trial saves its checkpoint, too
	c.lost, c.stop, c.ended = lost, stop, make(chan struct{})
	go func() {
		defer close(c.ended)
		timer := time.NewTicker(c.who.heartbeat())
		defer timer.Stop()
		for {
			select {
			case <-beats.Done():
				return
			case <-timer.C:
			}
			_ = c.write(".") // if it fails for long, others take over, which the next line finds
			if errors.Is(c.Check(), ErrLost) {
				lost(ErrLost)
				return
			}
		}
	}()
	return kept
}

// write appends to the claim. The file is opened anew each time, because NFS shows others what a closed file holds.
func (c *Claim) write(text string) error {
	f, err := os.OpenFile(c.path(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Check returns ErrLost if the folder is not this claim's any more.
func (c *Claim) Check() error {
	highest, err := newest(c.dir)
	if err != nil {
		return err
	}
	if highest != c.number {
		return ErrLost
	}
	// A claim of our number may be another's, made after the folder was cleared.
	state, err := read(c.dir, c.number)
	if errors.Is(err, fs.ErrNotExist) || err == nil && state.By.Nonce != c.who.Nonce {
		return ErrLost
	}
	return err
}

// Release ends the claim, so that others may claim the folder at once.
func (c *Claim) Release() error {
	c.end()
	if c.Check() != nil {
		return nil // it is another's, or the folder has been cleared
	}
	return c.write(released)
}

// end stops the heartbeats.
func (c *Claim) end() {
	if c.stop == nil {
		return
	}
	c.stop()
	<-c.ended
	c.lost(context.Canceled) // frees the context
}

// Clear removes all claims of a folder whose work is done for good, which others find out by themselves after they have
// claimed it. The claim's own is removed last: until then nobody begins at 1 again.
func (c *Claim) Clear() error {
	c.end()
	if err := c.Check(); err != nil {
		return err
	}
	for n := 1; n <= c.number; n++ {
		if err := os.Remove(filepath.Join(c.dir, prefix+strconv.Itoa(n))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// numberOf is the number of the claim with this file name, 0 for another file.
func numberOf(name string) int {
	digits, ok := strings.CutPrefix(name, prefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || strconv.Itoa(n) != digits {
		return 0
	}
	return n
}

// Is tells whether a file of this name is a claim.
func Is(name string) bool { return numberOf(name) > 0 }

// newest is the highest number of a folder's claims, 0 if there is none.
func newest(dir string) (int, error) {
	d, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0, err
	}
	highest := 0
	for _, name := range names {
		highest = max(highest, numberOf(name))
	}
	return highest, nil
}
