package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A watching is a vaelab watch in a process of its own.
type watching struct {
	*exec.Cmd
	url         string
	out         *bufio.Reader
	diagnostics bytes.Buffer
}

// startWatch starts vaelab watch in the current folder and reads the address that it prints.
func startWatch(t *testing.T, args ...string) *watching {
	t.Helper()
	w := &watching{Cmd: process(nil, append([]string{"watch", "--addr", "127.0.0.1:0"}, args...)...)}
	w.Stderr = &w.diagnostics
	out, err := w.StdoutPipe()
	if err == nil {
		err = w.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if w.ProcessState == nil {
			w.Process.Kill()
			w.Wait()
		}
	})
	w.out = bufio.NewReader(out)
	line, err := w.out.ReadString('\n')
	if err != nil {
		w.Wait()
		t.Fatalf("no address: %v\n%s", err, w.diagnostics.String())
	}
	w.url = strings.TrimSuffix(line, "\n")
	return w
}

// get asks for a page.
func get(t *testing.T, url string, cookies ...*http.Cookie) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(text)
}

// TestWatch: the address is one line, the page is there, nothing is written, and each of the signals that stop a program ends it
// with exit code 0 although a browser is connected.
func TestWatch(t *testing.T) {
	folder(t)
	makeTrial(t, "bn-0123abcd/seed-1", 0, "claim.1", claimOf("n1"), "rows.1.jsonl", `{"step":1200,"epoch":3.14159,"split":"train","values":{"kl":1.234}}`+"\n")
	before, err := os.Stat("results/x")
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		w := startWatch(t, "results/x")
		if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*/$`).MatchString(w.url) {
			t.Errorf("the address is %q", w.url)
		}
		if a, text := get(t, w.url); a.StatusCode != 200 || !strings.Contains(text, "<main>") {
			t.Errorf("%d %s", a.StatusCode, text)
		}
		a, err := http.Get(w.url + "events")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		events := bufio.NewReader(a.Body)
		for text := ""; !strings.Contains(text, `"step":1200`); {
			line, err := events.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			text += line
		}
		begun := time.Now()
		if err := w.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		more, err := io.ReadAll(w.out)
		if err = errors.Join(err, w.Wait()); err != nil || len(more) > 0 || time.Since(begun) > 2*time.Second {
			t.Errorf("%v: %v after %v; it printed %q, and\n%s", signal, err, time.Since(begun), more, w.diagnostics.String())
		}
		if said := w.diagnostics.String(); said != "vaelab: watching results/x; Ctrl-C ends it\n" {
			t.Errorf("it said %q", said)
		}
	}
	if after, err := os.Stat("results/x"); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the folder has changed: %v", err)
	}
}

// TestWatchToken: the printed address admits a browser, and nothing else does.
func TestWatchToken(t *testing.T) {
	folder(t)
	makeTrial(t, "bn-0123abcd/seed-1", 0, "DONE", "")
	seen := map[string]bool{}
	for _, given := range []string{"--token", "--token", "--token=0123456789-abc_DEF"} {
		w := startWatch(t, "results/x", given)
		plain, token, ok := strings.Cut(w.url, "?token=")
		if !ok || len(token) < 16 || seen[token] || given != "--token" && "--token="+token != given {
			t.Errorf("%s: the address is %s", given, w.url)
		}
		seen[token] = true
		if a, text := get(t, plain); a.StatusCode != http.StatusUnauthorized || strings.Count(text, "\n") != 1 {
			t.Errorf("without: %d %s", a.StatusCode, text)
		}
		a, _ := get(t, w.url)
		if a.StatusCode != 200 || len(a.Cookies()) != 1 {
			t.Fatalf("with: %d %v", a.StatusCode, a.Cookies())
		}
		if a, text := get(t, plain, a.Cookies()...); a.StatusCode != 200 || !strings.Contains(text, "<main>") {
			t.Errorf("with the cookie: %d %s", a.StatusCode, text)
		}
		if strings.Contains(w.diagnostics.String(), token) {
			t.Errorf("the token is on standard error, too: %s", w.diagnostics.String())
		}
	}
}

// TestWatchBusyPort: one line says that another program has the port.
func TestWatchBusyPort(t *testing.T) {
	folder(t)
	makeTrial(t, "bn-0123abcd/seed-1", 0, "DONE", "")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr := ln.Addr().String()
	r := vaelab(t, "watch", "results", "--addr", addr)
	if want := "vaelab: error: --addr " + addr + ": another program has this port; choose another one, or port 0 for any that is free\n"; r.code != exitFailed || r.out != "" || r.err != want {
		t.Errorf("exit code %d, %s%s; want %s", r.code, r.out, r.err, want)
	}
}
