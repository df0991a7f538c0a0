package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/machine"
	"vaelab/internal/watch"
)

func watchCommand() *cobra.Command {
	var p page
	cmd := &cobra.Command{
		Use:   "watch DIR",
		Short: "Show trials and figures on a page that changes while they run",
		Long: `Show how the trials in a folder stand on a page in the browser that changes while they run: state, host, step, time
left, the last KL, MI and gap, a curve of the KL, reasons of failures, and figures. DIR is a results folder, an experiment's,
a group's or a trial's. The command prints the address of the page and serves it until Ctrl-C.

It reads files and writes none. So it works beside vaelab run, beside tasks on other nodes, and with a folder that may only
be read. It takes less than 5 % of one processor; a large folder is looked at less often.

Figures are drawn when somebody sees them, and again while rows arrive. --figure chooses those that are open at first. The
default are those of the shipped experiment that DIR is named like, or kl-curve and z-use.

By default only programs on this machine reach the page, but those of all its users. --token admits only browsers that have the
token in the printed address. A page on another machine is reached through ssh, and opened at the printed address:

  ssh -t -L 8080:127.0.0.1:8080 node vaelab watch results/my

With --addr 0.0.0.0:8080 the page can be reached from other machines. That needs --token, and is not encrypted. --token alone makes
a token. --token=TEXT sets it; other users of this machine can see it in the list of processes.

The exit code is 0 after Ctrl-C, 1 if the folder has no trial or the port is taken, and 2 for a wrong flag.`,
		Example: "  vaelab watch results/kl-vanishing\n  vaelab watch results --addr 127.0.0.1:0 --figure kl-curve,sweep\n  vaelab watch results/my --addr 0.0.0.0:8080 --token",
		Args: func(cmd *cobra.Command, given []string) error {
			err := args(cobra.ExactArgs(1))(cmd, given)
			if err != nil && p.token == newToken && len(given) == 2 {
				err = usageError{fmt.Errorf("%w; a token of your own must be written as --token=TEXT", err)}
			}
			return err
		},
		RunE: func(cmd *cobra.Command, given []string) error {
			p.locked = cmd.Flags().Changed("token")
			return p.serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), given[0])
		},
	}
	figureFlag(cmd, &p.figures)
	f := cmd.Flags()
	f.Lookup("figure").Usage = "show this `figure` at first; may be repeated (vaelab list figures)"
	f.StringVar(&p.addr, "addr", "127.0.0.1:8080", "`address` to listen at; port 0 takes a free one")
	f.StringVar(&p.token, "token", "", "admit only browsers that have a token: a new one, or =`TEXT`")
	f.Lookup("token").NoOptDefVal = newToken
	return cmd
}

// newToken is the value of --token without one. No token has a space.
const newToken = "a new one"

// A page is what the flags say of it.
type page struct {
	addr, token string
	locked      bool // a token is asked for
	open        bool // other machines reach the page
	figures     []string
}

// serve serves the page of a folder until a signal comes.
func (p page) serve(ctx context.Context, w, wErr io.Writer, dir string) error {
	if err := knownFigures(p.figures); err != nil {
		return err
	}
	if err := p.check(); err != nil {
		return usageError{err}
	}
	if err := existing(dir); err != nil {
		return err
	}
	ctx, restore := untilStopped(ctx)
	defer restore()
	site, err := watch.New(dir, watch.Options{Now: time.Now, Cost: processorTime(), Figures: p.figuresOf(dir), Token: p.token, AnyHost: p.open})
	if err != nil {
		return err
	}
	ln, err := p.listen()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: site, ErrorLog: log.New(wErr, "vaelab: ", 0),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	defer server.Close() // at once: a browser would keep its stream of events open
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	fmt.Fprintln(w, p.url(ln.Addr()))
	fmt.Fprintf(wErr, "vaelab: watching %s; Ctrl-C ends it\n", visible(dir))
	go func() {
		for ctx.Err() == nil {
			select {
			case <-time.After(site.Poll()):
			case <-ctx.Done():
			}
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// processorTime tells the processor time of this process, or the time since now where the system does not.
func processorTime() func() time.Duration {
	if machine.CPUTime() > 0 {
		return machine.CPUTime
	}
	begun := time.Now()
	return func() time.Duration { return time.Since(begun) }
}

// tokenForm is what a cookie and an address take as it is, and nobody guesses.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,}$`)

// check reads the flags, and makes a token if one is asked for.
func (p *page) check() error {
	host, port, err := net.SplitHostPort(p.addr)
	if err == nil {
		_, err = net.LookupPort("tcp", cmp.Or(port, "none"))
	}
	if err != nil {
		return fmt.Errorf("--addr %s: must be an address and a port, such as 127.0.0.1:8080 or [::1]:0", p.addr)
	}
	p.open = !isLoopback(host)
	switch {
	case p.token == newToken:
		p.token = rand.Text()
	case p.locked && !tokenForm.MatchString(p.token):
		return errors.New("--token: must have 16 characters or more, of A to Z, a to z, 0 to 9, - and _; without a value, one is made")
	case p.open && !p.locked:
		return fmt.Errorf("--addr %s: other machines could see the page; add --token, or listen at 127.0.0.1", p.addr)
	}
	return nil
}

// isLoopback tells whether a host is this machine as only itself reaches it.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// figuresOf are the figures that are open at first.
func (p page) figuresOf(dir string) []string {
	if p.figures != nil {
		return p.figures
	}
	if abs, err := filepath.Abs(dir); err == nil && slices.Contains(experiments.Names(), filepath.Base(abs)) {
		if e, err := new(choice).read(io.Discard, filepath.Base(abs)); err == nil && len(e.Figures) > 0 {
			return e.Figures
		}
	}
	return []string{"kl-curve", "z-use"}
}

// listen opens the port.
func (p page) listen() (net.Listener, error) {
	ln, err := net.Listen("tcp", p.addr)
	var cause syscall.Errno
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--addr %s: another program has this port; choose another one, or port 0 for any that is free", p.addr)
	case errors.As(err, &cause):
		return nil, fmt.Errorf("--addr %s: cannot listen there: %w; choose an address of this machine, and a port above 1023 or 0", p.addr, cause)
	case err != nil:
		return nil, fmt.Errorf("--addr %s: cannot listen there: %w", p.addr, err)
	}
	if at, ok := ln.Addr().(*net.TCPAddr); !p.locked && !(ok && at.IP.IsLoopback()) { // localhost is something else here
		ln.Close()
		return nil, usageError{fmt.Errorf("--addr %s: is %v, so other machines could see the page; add --token, or listen at 127.0.0.1", p.addr, ln.Addr())}
	}
	return ln, nil
}

// url is the address of the page.
func (p page) url(at net.Addr) string {
	host, port, _ := net.SplitHostPort(at.String()) // it has both
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(strings.TrimSuffix(host, "."), port), Path: "/"}
	if p.locked {
		u.RawQuery = "token=" + p.token
	}
	return u.String()
}
