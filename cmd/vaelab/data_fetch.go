package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"vaelab/internal/fetch"
)

// silence is how long a server may send nothing before the connection is given up.
const silence = time.Minute

func (p *published) fetchCommand() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "fetch NAME...",
		Short: "Download data sets and verify their hashes",
		Long: `Download the files of data sets that are not there yet, verify their hashes, and unpack archives.
After an interruption, also by Ctrl-C, rerun the command to resume the download. If one address
fails the next is tried; if all fail, the error says how to add the file yourself.`,
		Example:           "  vaelab data fetch ptb\n  vaelab data fetch mnist omniglot --dir /big/data",
		Args:              args(cobra.MinimumNArgs(1)),
		ValidArgsFunction: p.names,
		RunE: func(cmd *cobra.Command, given []string) error {
			w, wErr := cmd.OutOrStdout(), cmd.ErrOrStderr()
			for _, name := range given { // before anything is downloaded
				if _, _, err := p.choose(name); err != nil {
					return err
				}
			}
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			for _, name := range given {
				d, s, err := p.choose(name)
				if err != nil {
					return err
				}
				show := newArrivals(wErr, quiet)
				s.Client, s.Pause, s.Progress, s.Note = patient(silence), pause, show.progress, show.note
				err = s.Fetch(ctx, d)
				show.close()
				if err != nil {
					return keeping(p.byHand(err, d, s), "what was downloaded is kept")
				}
				fmt.Fprintf(w, "%s: %s, licence: %s\n  in %s\n", d.Name, d.Title, d.Licence, s.Folder(d))
				howToUse(w, d, s)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print no progress")
	return cmd
}

// byHand adds to an error that no address gave a file how to do without.
func (p *published) byHand(err error, d fetch.Dataset, s fetch.Store) error {
	var none *fetch.UnavailableError
	if !errors.As(err, &none) {
		return err
	}
	lines := []string{err.Error(), "download it yourself, from there or from elsewhere:"}
	command := []string{"import", d.Name}
	for _, f := range s.Missing(d) {
		lines = append(lines, "  "+f.URLs[0])
		command = append(command, f.Name)
	}
	lines = append(lines, "then: "+p.command(command...))
	return errors.New(strings.Join(lines, "\n"))
}

// patient is an HTTP client that waits for as long as something arrives, but gives up on a
// connection that has been silent for a time.
func patient(silence time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{c, silence}, nil
	}
	return &http.Client{Transport: t}
}

// A patientConn ends a read that brings nothing for a time.
type patientConn struct {
	net.Conn
	silence time.Duration
}

func (c *patientConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// pause waits 1, 2, 4 ... seconds before another attempt.
func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second << (attempt - 1)):
		return nil
	}
}

// arrivals shows files that arrive one after the other: a bar on a terminal, else a line every
// ten seconds and one at the end.
type arrivals struct {
	w     io.Writer
	quiet bool
	bars  *bars // nil where there is no terminal

	file          string // that arrives now
	bar           *mpb.Bar
	text          *atomic.Value // beside the bar; read by a goroutine of the bars
	started, last time.Time
	first, at     int64 // the bytes it started from, and has
}

func newArrivals(w io.Writer, quiet bool) *arrivals {
	return &arrivals{w: w, quiet: quiet, bars: newBars(w, quiet)}
}

// progress moves the bar of a file or, now and then, prints its line.
func (a *arrivals) progress(file string, done, total int64) {
	if a.quiet {
		return
	}
	if file != a.file || done < a.at { // another file, or the same anew
		a.drop()
		a.file, a.first, a.started, a.last = file, done, time.Now(), time.Now()
		if a.bars != nil {
			text := new(atomic.Value)
			text.Store("")
			a.text = text
			a.bar = a.bars.AddBar(total, mpb.BarRemoveOnComplete(),
				mpb.PrependDecorators(decor.Name(file)),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return text.Load().(string) })))
		}
	}
	a.at = done
	switch {
	case a.bar != nil:
		a.text.Store(a.say(done, total))
		a.bar.SetCurrent(done)
	case a.bars == nil && (time.Since(a.last) >= plainEvery || done == total):
		a.last = time.Now()
		fmt.Fprintf(a.w, "%s: %s\n", file, a.say(done, total))
	}
}

// say is "1.2 of 5.1 MB, 3s left".
func (a *arrivals) say(done, total int64) string {
	switch {
	case total == 0:
		return megabytes(done)
	case done == total || done == a.first:
		return megabytes(done) + " of " + megabytes(total)
	}
	left := time.Duration(float64(time.Since(a.started)) / float64(done-a.first) * float64(total-done))
	return fmt.Sprintf("%s of %s, %v left", megabytes(done), megabytes(total), left.Round(time.Second))
}

// note prints a line that stays, above a bar.
func (a *arrivals) note(line string) {
	switch {
	case a.quiet:
	case a.bars != nil:
		fmt.Fprintln(&printer{w: a.bars}, line)
	default:
		fmt.Fprintln(a.w, line)
	}
}

// drop takes the bar of the last file away.
func (a *arrivals) drop() {
	if a.bar != nil && !a.bar.Completed() {
		a.bar.Abort(true)
	}
	a.bar = nil
}

func (a *arrivals) close() {
	if a.bars != nil {
		a.drop()
		a.bars.close()
	}
}
