package fetch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"vaelab/internal/magic"
	"vaelab/internal/record"
)

const (
	// attempts is how often a broken connection is tried again before the next address.
	attempts = 5
	// enough bytes further than ever before make an attempt count as the first again: a bad
	// line, not a bad server.
	enough = 1 << 20
	// maxRedirects bounds how far a request is sent on.
	maxRedirects = 5
	// maxFile bounds a file whose size is not known.
	maxFile = 4 << 30
)

// An UnavailableError says that no address gave a file.
type UnavailableError struct {
	File   File
	Causes []error // one for each address
}

func (e *UnavailableError) Error() string {
	lines := []string{e.File.Name + ": no address gave this file"}
	for _, c := range e.Causes {
		lines = append(lines, "  "+c.Error())
	}
	return strings.Join(lines, "\n")
}

func (e *UnavailableError) Unwrap() []error { return e.Causes }

// fetchFile downloads f to path from the first address that gives the right bytes.
func (s Store) fetchFile(ctx context.Context, f File, path string) error {
	part := path + ".part"
	if f.check(part) == nil { // killed between the last byte and the new name
		return s.finish(part, path)
	}
	none := &UnavailableError{File: f}
	for _, address := range f.URLs {
		err := s.from(ctx, f, address, path)
		var local *localError
		switch {
		case err == nil:
			return s.finish(part, path)
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &local):
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		none.Causes = append(none.Causes, fmt.Errorf("%s: %w", address, err))
		s.note(none.Causes[len(none.Causes)-1].Error())
	}
	return none
}

// finish gives a complete part its name.
func (s Store) finish(part, path string) error {
	if err := rename(part, path); err != nil {
		return err
	}
	return forget(part)
}

// from leaves the whole, right file in the part file, or returns why this address did not
// give it. Wrong bytes are kept aside. A part from an earlier time may itself be damaged, so
// bytes that are wrong after going on are fetched once more from the start.
func (s Store) from(ctx context.Context, f File, address, path string) error {
	part := path + ".part"
	for {
		t := &transfer{Store: s, file: f, address: address, part: part}
		if err := t.run(ctx); err != nil {
			return err
		}
		err := f.check(part)
		var wrong *WrongError
		if !errors.As(err, &wrong) {
			return err
		}
		if t.old {
			s.note(fmt.Sprintf("%v; the old part may be damaged, restarting the download", wrong))
			if err := drop(part); err != nil {
				return s.local(err)
			}
			continue
		}
		if err := errors.Join(rename(part, path+".wrong"), forget(part)); err != nil {
			return s.local(err)
		}
		return fmt.Errorf("%w; kept as %s.wrong", wrong, f.Name)
	}
}

// A transfer brings the bytes at one address into a part file, over any number of
// connections.
type transfer struct {
	Store
	file    File
	address string
	part    string
	old     bool // began with a part that an earlier process left
}

// An origin is what the file beside a part says: where it is from, and which version of the
// remote file it belongs to.
type origin struct {
	URL     string `json:"url"`
	Version string `json:"version"` // an ETag or a date, for If-Range
}

// drop removes a part and what is known of it.
func drop(part string) error {
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return forget(part)
}

func forget(part string) error {
	if err := os.Remove(part + ".from"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// resumable returns how much of the file is there, and the version it belongs to. Without a
// version there is no telling whether two parts fit, so the answer is 0.
func (t *transfer) resumable() (done int64, version string) {
	text, err := os.ReadFile(t.part + ".from")
	if err != nil {
		return 0, ""
	}
	var o origin
	if json.Unmarshal(text, &o) != nil || o.URL != t.address || o.Version == "" {
		return 0, ""
	}
	info, err := os.Stat(t.part)
	if err != nil || !info.Mode().IsRegular() {
		return 0, ""
	}
	return info.Size(), o.Version
}

// A lasting error will be the same at the next attempt.
type lasting struct{ error }

func (e *lasting) Unwrap() error { return e.error }

func lastingf(format string, args ...any) error { return &lasting{fmt.Errorf(format, args...)} }

// run tries until the file is complete, an error lasts, or too many attempts brought nothing.
func (t *transfer) run(ctx context.Context) error {
	done, _ := t.resumable()
	t.old = done > 0
	far := done
	for attempt := 1; ; attempt++ {
		reached, err := t.attempt(ctx)
		var last *lasting
		var local *localError
		if err == nil || ctx.Err() != nil || errors.As(err, &last) || errors.As(err, &local) {
			return err
		}
		if reached >= far+enough {
			far, attempt = reached, 1
		}
		if attempt == attempts {
			return fmt.Errorf("%w, after %d attempts", err, attempts)
		}
		t.note(fmt.Sprintf("%s: %v; trying again", t.file.Name, err))
		if t.Pause != nil {
			if err := t.Pause(ctx, attempt); err != nil {
				return err
			}
		}
	}
}

// attempt is one connection. It returns how far into the file it came.
func (t *transfer) attempt(ctx context.Context) (reached int64, err error) {
	done, version := t.resumable()
	resp, err := t.ask(ctx, done, version)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	total := resp.ContentLength // -1 if not said
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		done = 0 // the server ignores ranges, or has a new version
		t.old = false
	case code == http.StatusPartialContent && done > 0:
		if total, err = t.fits(resp, done, version); err != nil {
			return 0, errors.Join(err, drop(t.part))
		}
	case code == http.StatusRequestedRangeNotSatisfiable:
		return 0, errors.Join(errors.New("the file there is shorter than the part here"), drop(t.part))
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return 0, errors.New("the server answers " + resp.Status)
	default:
		return 0, lastingf("the server answers %s", resp.Status)
	}
	if err := t.plausible(resp, total); err != nil {
		return 0, err
	}
	body := bufio.NewReader(resp.Body)
	if first, _ := body.Peek(magic.Head); done == 0 && magic.IsPage(first) {
		return 0, lastingf("the server sent a web page instead of the file")
	}
	return t.save(body, done, total, resp.Header)
}

// ask sends the request, for what follows the first done bytes if there are any.
func (t *transfer) ask(ctx context.Context, done int64, version string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.address, nil)
	if err != nil {
		return nil, &lasting{err}
	}
	req.Header.Set("User-Agent", "vaelab")
	req.Header.Set("Accept-Encoding", "identity") // the hash is of the file, not of a repacked one
	if done > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", done))
		req.Header.Set("If-Range", version)
	}
	if err := webOnly(req.URL); err != nil {
		return nil, err
	}
	client := *http.DefaultClient
	if t.Client != nil {
		client = *t.Client
	}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return lastingf("sent on more than %d times", maxRedirects)
		}
		return webOnly(req.URL)
	}
	resp, err := client.Do(req)
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err // without the address, which is said elsewhere
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" { // nobody there: so it will be in a second
		err = &lasting{err}
	}
	return resp, err
}

// webOnly refuses what is not http or https.
func webOnly(u *url.URL) error {
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return lastingf("sent to %s, which is neither http nor https", u.Redacted())
	}
	return nil
}

// fits checks that a partial answer continues the part, and returns the whole file's length
// or -1.
func (t *transfer) fits(resp *http.Response, done int64, version string) (total int64, err error) {
	var first, last int64
	said := resp.Header.Get("Content-Range")
	if n, _ := fmt.Sscanf(said, "bytes %d-%d/%d", &first, &last, &total); n == 2 {
		total = -1 // the length is a star
	} else if n != 3 {
		return 0, fmt.Errorf("the server answers a part with Content-Range %q", said)
	}
	if first != done {
		return 0, fmt.Errorf("the server sends from byte %d, asked for %d", first, done)
	}
	if now := versionOf(resp.Header); now != "" && now != version {
		return 0, errors.New("the file there has changed since the first part")
	}
	return total, nil
}

// versionOf is what If-Range may name: a strong ETag, or else the date of the last change.
func versionOf(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// plausible refuses an answer that cannot be the file, before it is read.
func (t *transfer) plausible(resp *http.Response, total int64) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case kind == "text/html":
		return lastingf("the server sent a web page instead of the file")
	case total >= 0 && t.file.Size > 0 && total != t.file.Size && t.file.Unpacked == "":
		return lastingf("wrong size: the server has %d bytes, and must have %d", total, t.file.Size)
	}
	return nil
}

// save appends the body to the first done bytes of the part, and returns its new length.
func (t *transfer) save(body io.Reader, done, total int64, h http.Header) (reached int64, err error) {
	w, err := os.OpenFile(t.part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, t.local(err)
	}
	defer func() {
		if closed := errors.Join(w.Sync(), w.Close()); err == nil && closed != nil {
			err = t.local(closed)
		}
	}()
	if err := w.Truncate(done); err != nil {
		return 0, t.local(err)
	}
	if _, err := w.Seek(done, io.SeekStart); err != nil {
		return 0, t.local(err)
	}
	if done == 0 {
		if err := t.remember(versionOf(h)); err != nil {
			return 0, t.local(err)
		}
	}
	most := int64(maxFile)
	if t.file.Size > 0 && t.file.Unpacked == "" {
		most = t.file.Size
	}
	n, err := t.copy(w, io.LimitReader(&meter{Reader: body, transfer: t, done: done, total: total}, most-done+1))
	reached = done + n
	var local *localError
	switch {
	case errors.As(err, &local):
		return reached, err
	case errors.Is(err, io.ErrUnexpectedEOF), err == nil && reached < total:
		return reached, fmt.Errorf("the server closed the connection at byte %d%s", reached, of(total))
	case err != nil:
		return reached, err
	case reached > most:
		return reached, lastingf("the server sends more than the %d bytes expected", most)
	}
	return reached, nil
}

func of(total int64) string {
	if total < 0 {
		return ""
	}
	return fmt.Sprintf(" of %d", total)
}

// remember writes where a new part is from, or nothing if the server names no version.
func (t *transfer) remember(version string) error {
	if version == "" {
		return forget(t.part)
	}
	text, err := json.Marshal(origin{URL: t.address, Version: version})
	if err != nil {
		return err
	}
	return record.WriteFileAtomic(t.part+".from", append(text, '\n'))
}

// A meter reports what is read through it.
type meter struct {
	io.Reader
	transfer    *transfer
	done, total int64
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	m.done += int64(n)
	if m.transfer.Progress != nil && n > 0 {
		total := m.total
		if total < 0 {
			total = m.transfer.file.Size
		}
		m.transfer.Progress(m.transfer.file.Name, m.done, total)
	}
	return n, err
}
