package fetch

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// content is n bytes that look like nothing in particular, the same at each call.
func content(n int) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for block := sha256.Sum256(nil); len(out) < n; block = sha256.Sum256(block[:]) {
		out = append(out, block[:]...)
	}
	return out[:n]
}

func sha256Of(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// A server serves one file in the way a test asks for, and counts requests.
type server struct {
	*httptest.Server
	asked  []*http.Request
	answer func(n int, w http.ResponseWriter, r *http.Request) // n counts from 1
}

func serve(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r.Clone(context.Background())) // the store asks one thing at a time
		s.answer(len(s.asked), w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// good answers as a real server does: ranges, an ETag, If-Range.
func good(b []byte, tag string, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// broken answers like good but closes the connection after n bytes of the body.
func broken(n int, b []byte, tag string, w http.ResponseWriter) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	w.Write(b[:n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// one is a data set of one file, all of which is known, at the given addresses.
func one(b []byte, urls ...string) Dataset {
	blob := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(b)), b...))
	return Dataset{Name: "set", Files: []File{{Name: "file.bin", URLs: urls, Size: int64(len(b)), SHA256: sha256Of(b), Blob: hex.EncodeToString(blob[:])}}}
}

// files lists what lies in the data set's folder.
func files(t *testing.T, s Store) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Dir, "set"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != ".lock" {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// fetched fails unless the file is there, whole, and alone.
func fetched(t *testing.T, s Store, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(s.Dir, "set", "file.bin"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("file.bin: %d bytes, error %v; want the %d of the server", len(got), err, len(want))
	}
	if names := files(t, s); names != "file.bin" {
		t.Errorf("the folder holds %s", names)
	}
}

func TestFetch(t *testing.T) {
	want := content(300_000)
	ranged := func(from int) string { return fmt.Sprintf("bytes=%d-", from) }
	tests := map[string]struct {
		answer func(n int, w http.ResponseWriter, r *http.Request)
		ranges []string // the Range header of each request
	}{
		"plain": {func(_ int, w http.ResponseWriter, r *http.Request) { good(want, `"1"`, w, r) }, []string{""}},
		"no length": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush() // makes it chunked
			w.Write(want)
		}, []string{""}},
		"breaks off twice": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				broken(100_000, want, `"1"`, w)
			case 2:
				w.Header().Set("Content-Range", "bytes 100000-299999/300000")
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Content-Length", "200000")
				w.WriteHeader(http.StatusPartialContent)
				w.Write(want[100_000:150_000])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			good(want, `"1"`, w, r)
		}, []string{"", ranged(100_000), ranged(150_000)}},
		"by date": {func(n int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			if n == 1 {
				broken(100_000, want, "", w)
			}
			w.Header().Del("ETag")
			http.ServeContent(w, r, "", time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC), bytes.NewReader(want))
		}, []string{"", ranged(100_000)}},
		"ignores Range": {func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				broken(100_000, want, `"1"`, w)
			}
			w.Write(want)
		}, []string{"", ranged(100_000)}},
		"names no version": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				broken(100_000, want, "", w)
			}
			good(want, "", w, r)
		}, []string{"", ""}},
		"weak ETag": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				broken(100_000, want, `W/"1"`, w)
			}
			good(want, `W/"1"`, w, r)
		}, []string{"", ""}},
		"changes between parts": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				broken(100_000, content(300_001)[1:], `"old"`, w)
			}
			good(want, `"new"`, w, r) // If-Range does not hold: the whole
		}, []string{"", ranged(100_000)}},
		"changes and ignores If-Range": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				broken(100_000, content(300_001)[1:], `"old"`, w)
			}
			r.Header.Del("If-Range")
			good(want, `"new"`, w, r)
		}, []string{"", ranged(100_000), ""}},
		"sends another part": {func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				broken(100_000, want, `"1"`, w)
			case 2:
				r.Header.Set("Range", ranged(100_001))
			}
			good(want, `"1"`, w, r)
		}, []string{"", ranged(100_000), ""}},
		"busy at first": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 4 {
				http.Error(w, "busy", []int{503, 429, 500}[n-1])
				return
			}
			good(want, `"1"`, w, r)
		}, []string{"", "", "", ""}},
		"sends on": {func(n int, w http.ResponseWriter, r *http.Request) {
			if n <= maxRedirects {
				http.Redirect(w, r, fmt.Sprintf("/%d", n), http.StatusFound)
				return
			}
			good(want, `"1"`, w, r)
		}, []string{"", "", "", "", "", ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			web := serve(t, test.answer)
			s := Store{Dir: t.TempDir()}
			var done, total int64
			s.Progress = func(_ string, d, n int64) { done, total = d, n }
			if err := s.Fetch(t.Context(), one(want, web.URL)); err != nil {
				t.Fatal(err)
			}
			fetched(t, s, want)
			if done != 300_000 || total != 300_000 {
				t.Errorf("progress ends at %d of %d", done, total)
			}
			var ranges []string
			for _, r := range web.asked {
				ranges = append(ranges, r.Header.Get("Range"))
			}
			if got, want := strings.Join(ranges, "|"), strings.Join(test.ranges, "|"); got != want {
				t.Errorf("asked for %s, want %s", got, want)
			}
			asked := len(web.asked)
			if err := s.Fetch(t.Context(), one(want, web.URL)); err != nil || len(web.asked) != asked {
				t.Errorf("fetched again: %v, %d requests", err, len(web.asked)-asked)
			}
		})
	}
}

// TestRefused: what cannot be the file is named for what it is, and never gets its name.
func TestRefused(t *testing.T) {
	want := content(50_000)
	page := []byte("\n <!DOCTYPE HTML><title>Sign in</title>")
	wrong := bytes.Clone(want)
	wrong[30_000] ^= 1
	tests := map[string]struct {
		answer func(n int, w http.ResponseWriter, r *http.Request)
		says   string
		leaves string
		asked  int
	}{
		"one wrong byte": {func(_ int, w http.ResponseWriter, r *http.Request) { good(wrong, `"1"`, w, r) },
			"file.bin: wrong sha256: must be " + sha256Of(want) + ", got " + sha256Of(wrong) + "; kept as file.bin.wrong", "file.bin.wrong", 1},
		"page by its type": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write(want)
		}, "sent a web page instead of the file", "", 1},
		"page by its bytes": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/gzip")
			w.(http.Flusher).Flush()
			w.Write(page)
		}, "sent a web page instead of the file", "", 1},
		"not there": {func(_ int, w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) },
			"the server answers 404 Not Found", "", 1},
		"another length": {func(_ int, w http.ResponseWriter, r *http.Request) { good(want[1:], `"1"`, w, r) },
			"wrong size: the server has 49999 bytes, and must have 50000", "", 1},
		"less than it says": {func(_ int, w http.ResponseWriter, _ *http.Request) { broken(20_000, want, "", w) },
			"the server closed the connection at byte 20000 of 50000, after 5 attempts", "file.bin.part", 5},
		"more than it should": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(append(bytes.Clone(want), "more"...))
		}, "the server sends more than the 50000 bytes expected", "file.bin.part", 1},
		"less, without a length": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(want[:10])
		}, "wrong size: must be 50000, got 10", "file.bin.wrong", 1},
		"always busy": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "busy", http.StatusServiceUnavailable)
		},
			"the server answers 503 Service Unavailable, after 5 attempts", "", 5},
		"sends on for ever": {func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
			"sent on more than 5 times", "", 6},
		"sends to a file": {func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, "sent to file:///etc/passwd, which is neither http nor https", "", 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			web := serve(t, test.answer)
			s := Store{Dir: t.TempDir()}
			err := s.Fetch(t.Context(), one(want, web.URL))
			var none *UnavailableError
			if !errors.As(err, &none) || !strings.Contains(err.Error(), web.URL+": ") || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want %s", err, test.says)
			}
			if got := files(t, s); got != test.leaves {
				t.Errorf("leaves %q, want %q", got, test.leaves)
			}
			if len(web.asked) != test.asked {
				t.Errorf("%d requests, want %d", len(web.asked), test.asked)
			}
			if len(s.Missing(one(want))) != 1 {
				t.Error("the file counts as fetched")
			}
		})
	}
}

// TestEndlessLies: a server whose declared length is never reached is given up, though each
// connection brings more than enough bytes.
func TestEndlessLies(t *testing.T) {
	want := content(enough + 10_000)
	web := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(want)+1))
		w.Write(want)
		panic(http.ErrAbortHandler)
	})
	d := one(want, web.URL)
	d.Files[0].Size = 0
	err := Store{Dir: t.TempDir()}.Fetch(t.Context(), d)
	if err == nil || !strings.Contains(err.Error(), "after 5 attempts") || len(web.asked) > 2*attempts {
		t.Errorf("error %v after %d requests", err, len(web.asked))
	}
}

// TestMirrors: the addresses are tried in their order until one gives the right bytes, and the
// caller is told why the others did not.
func TestMirrors(t *testing.T) {
	want := content(1000)
	gone := httptest.NewServer(nil)
	gone.Close() // nobody listens there any more
	page := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>moved</html>") })
	mirror := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) { good(want, `"1"`, w, r) })
	last := serve(t, func(int, http.ResponseWriter, *http.Request) {})
	var notes []string
	s := Store{Dir: t.TempDir(), Note: func(line string) { notes = append(notes, line) },
		Pause: func(context.Context, int) error { t.Error("waits for nobody"); return nil }}
	if err := s.Fetch(t.Context(), one(want, gone.URL, page.URL, mirror.URL, last.URL)); err != nil {
		t.Fatal(err)
	}
	fetched(t, s, want)
	if len(last.asked) != 0 {
		t.Error("asked an address after the right one")
	}
	if len(notes) != 2 || !strings.HasPrefix(notes[0], gone.URL+": ") || !strings.HasPrefix(notes[1], page.URL+": the server sent a web page") {
		t.Errorf("notes %q", notes)
	}
}

// TestResume: another process goes on where one stopped, and a part that was damaged in
// between costs a second download, not the file.
func TestResume(t *testing.T) {
	want := content(200_000)
	for _, damaged := range []bool{false, true} {
		ctx, stop := context.WithCancel(t.Context())
		web := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Content-Length", fmt.Sprint(len(want)))
				w.Write(want[:120_000])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			good(want, `"1"`, w, r)
		})
		s := Store{Dir: t.TempDir()}
		s.Progress = func(_ string, done, _ int64) {
			if done == 120_000 {
				stop()
			}
		}
		d := one(want, web.URL)
		if err := s.Fetch(ctx, d); err != context.Canceled {
			t.Fatalf("error %v, want that it was stopped", err)
		}
		if got := files(t, s); got != "file.bin.part file.bin.part.from" {
			t.Fatalf("stopped, the folder holds %s", got)
		}
		if damaged {
			part := filepath.Join(s.Dir, "set", "file.bin.part")
			b, err := os.ReadFile(part)
			if err != nil {
				t.Fatal(err)
			}
			b[7] ^= 1
			if err := os.WriteFile(part, b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		s.Progress = nil
		if err := s.Fetch(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		fetched(t, s, want)
		if got := web.asked[1].Header.Get("Range"); got != "bytes=120000-" || web.asked[1].Header.Get("If-Range") != `"1"` {
			t.Errorf("went on with Range %q", got)
		}
		if n := map[bool]int{false: 2, true: 3}[damaged]; len(web.asked) != n {
			t.Errorf("damaged %v: %d requests, want %d", damaged, len(web.asked), n)
		}
	}
}

// TestKilledAtTheEnd: a part that is complete needs no server.
func TestKilledAtTheEnd(t *testing.T) {
	want := content(1000)
	s := Store{Dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(s.Dir, "set"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"file.bin.part": want, "file.bin.part.from": []byte("{}")} {
		if err := os.WriteFile(filepath.Join(s.Dir, "set", name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Fetch(t.Context(), one(want)); err != nil {
		t.Fatal(err)
	}
	fetched(t, s, want)
}

// TestPause: the caller decides how long to wait, and may stop the waiting.
func TestPause(t *testing.T) {
	web := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "busy", http.StatusServiceUnavailable)
	})
	var waited []int
	s := Store{Dir: t.TempDir(), Pause: func(_ context.Context, attempt int) error {
		if waited = append(waited, attempt); attempt == 3 {
			return context.Canceled
		}
		return nil
	}}
	err := s.Fetch(t.Context(), one(content(10), web.URL))
	if !errors.Is(err, context.Canceled) || fmt.Sprint(waited) != "[1 2 3]" {
		t.Errorf("error %v after %v", err, waited)
	}
}

// TestDiskFull: no file is taken for whole, no other address is tried, the error says what to
// do, and the part goes on when there is room.
func TestDiskFull(t *testing.T) {
	want := content(200_000)
	web := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) { good(want, `"1"`, w, r) })
	s := Store{Dir: t.TempDir()}
	room := 100_000
	s.write = func(f *os.File, b []byte) (int, error) {
		n, err := f.Write(b[:min(len(b), room)])
		if room -= n; err == nil && n < len(b) {
			err = &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return n, err
	}
	d := one(want, web.URL, web.URL)
	err := s.Fetch(t.Context(), d)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk of "+s.Dir+" is full") {
		t.Fatalf("error %v", err)
	}
	if got := files(t, s); got != "file.bin.part file.bin.part.from" || len(web.asked) != 1 {
		t.Errorf("%d requests, leaves %s", len(web.asked), got)
	}
	hand := filepath.Join(t.TempDir(), "got by hand")
	if err := os.WriteFile(hand, want, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(d, []string{hand}); !errors.Is(err, syscall.ENOSPC) || len(s.Missing(d)) != 1 {
		t.Errorf("import: error %v", err)
	}
	s.write = nil
	if err := s.Fetch(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	fetched(t, s, want)
	if got := web.asked[1].Header.Get("Range"); got != "bytes=100000-" {
		t.Errorf("went on with Range %q", got)
	}
}

// TestNotWritable: a folder that cannot be made is a fault of this machine.
func TestNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := (Store{Dir: file}).Fetch(t.Context(), one(nil)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
}
