package watch

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vaelab/internal/record"
)

// ask asks the site for a path, as a browser at localhost does.
func ask(s *Site, method, path string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, "http://localhost:8080/", nil)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// small makes a page of one trial with two rows.
func small(t *testing.T, o Options) *results {
	r := newResults(t)
	r.begin(seed1)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+train(t, 20, 4))
	r.watch(o)
	return r
}

// TestRoutes: what there is has its type and its headers; nothing else is there, whatever the path.
func TestRoutes(t *testing.T) {
	r := small(t, Options{Figures: []string{"kl-curve"}})
	secret := filepath.Join(r.root, "secret.txt")
	if err := os.WriteFile(secret, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8",
		"/caption/kl-curve": "application/json", "/figure/kl-curve.svg": "image/svg+xml",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := ask(r.site, method, path)
			if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != kind {
				t.Errorf("%s %s: %d, %s", method, path, a.StatusCode, a.Header.Get("Content-Type"))
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s %s: %s is %q", method, path, name, got)
				}
			}
			if p := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none';") || strings.Contains(p, "script-src 'unsafe") || strings.Contains(p, "*") {
				t.Errorf("%s %s: policy %q", method, path, p)
			}
		}
	}
	for _, path := range []string{
		"/secret.txt", "/x/" + seed1 + "/rows.1.jsonl", "/../" + filepath.Base(r.root) + "/secret.txt", "/figure/../secret.txt", "/figure/..%2fsecret.txt",
		"/report", "/report/", "/report/x", "/report/..", "/report/../secret.txt", "/report/x/../..", "/report//" + secret, "//etc/passwd", "/figure/kl-curve",
		"/figure/kl-curve.png", "/figure/..", "/figure/.svg", "/caption/", "/index.html", "/page.html", "/.", "/caption/kl-curve/..", "/report/" + secret,
	} {
		a := ask(r.site, "GET", path)
		if text := body(t, a); a.StatusCode != http.StatusNotFound || strings.Contains(text, "secret\n") || len(text) > 400 {
			t.Errorf("%s: %d, %.300s", path, a.StatusCode, text)
		}
	}
	if a := ask(r.site, "GET", "/caption/kl-crve"); a.StatusCode != http.StatusNotFound || !strings.Contains(body(t, a), `did you mean "kl-curve"?`) {
		t.Errorf("an unknown figure: %d", a.StatusCode)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"} {
		if a := ask(r.site, method, "/"); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, a.StatusCode)
		}
	}
}

// TestHost: a page elsewhere that has changed its address to this machine's is refused.
func TestHost(t *testing.T) {
	s := small(t, Options{}).site
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST:9": 200, "127.0.0.1:8080": 200, "127.1.2.3": 200, "[::1]:8080": 200, "[::1]": 200, "::1": 200, "[::ffff:127.0.0.1]:8080": 200,
		"": 403, "evil.example:8080": 403, "localhost.evil.example": 403, "evil.localhost.example:8080": 403, "127.0.0.1.evil.example": 403, "10.0.0.1:8080": 403,
		"0.0.0.0:8080": 403, "[::]:8080": 403, "2130706433": 403, "0177.0.0.1": 403, "localhost:8080:1": 403,
	} {
		for _, path := range []string{"/", "/events?", "/page.js"} {
			method := "GET"
			if path == "/events?" {
				method = "HEAD" // else it does not end
			}
			if a := ask(s, method, path, func(r *http.Request) { r.Host = host }); a.StatusCode != want {
				t.Errorf("host %q, %s: %d, want %d", host, path, a.StatusCode, want)
			}
		}
	}
	any := small(t, Options{Token: "0123456789abcdef", AnyHost: true}).site
	if a := ask(any, "GET", "/?token=0123456789abcdef", func(r *http.Request) { r.Host = "node7.cluster:8080" }); a.StatusCode != 200 {
		t.Errorf("another host with a token: %d", a.StatusCode)
	}
}

// TestToken: without the token there is nothing; the address of the page gives a cookie that no script and no other site
// can use.
func TestToken(t *testing.T) {
	const token = "0123456789abcdef"
	s := small(t, Options{Token: token}).site
	with := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
	}
	refused := map[string]*http.Response{
		"nothing":             ask(s, "GET", "/"),
		"a wrong token":       ask(s, "GET", "/?token=0123456789abcdeg"),
		"an empty one":        ask(s, "GET", "/?token="),
		"the beginning":       ask(s, "GET", "/?token=0123456789abcde"),
		"more":                ask(s, "GET", "/?token=0123456789abcdef0"),
		"the second of two":   ask(s, "GET", "/?token=no&token="+token),
		"another path":        ask(s, "GET", "/events?token="+token),
		"a path without file": ask(s, "GET", "/nothing"),
		"a wrong cookie":      ask(s, "GET", "/", with("vaelab-watch-8080", "0123456789abcdeg")),
		"that of another":     ask(s, "GET", "/", with("vaelab-watch-8081", token)),
	}
	for what, a := range refused {
		if text := body(t, a); a.StatusCode != http.StatusUnauthorized || strings.Count(text, "\n") != 1 || len(a.Cookies()) > 0 || strings.Contains(text, token) {
			t.Errorf("%s: %d, %s", what, a.StatusCode, text)
		}
	}
	a := ask(s, "GET", "/?token="+token)
	if a.StatusCode != 200 || a.Header.Get("Refresh") != "0; url=/" || len(a.Cookies()) != 1 {
		t.Fatalf("the token: %d, %v", a.StatusCode, a.Header)
	}
	c := a.Cookies()[0]
	if c.Name != "vaelab-watch-8080" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
	if strings.Contains(body(t, a), token) {
		t.Error("the page has the token in it")
	}
	for _, path := range []string{"/", "/page.js", "/caption/kl-curve"} {
		if a := ask(s, "GET", path, with(c.Name, c.Value)); a.StatusCode != 200 {
			t.Errorf("%s with the cookie: %d", path, a.StatusCode)
		}
	}
}

// An event is one of those that the server sends.
type event struct{ name, data string }

// stream asks a running server for events.
func stream(t *testing.T, url string) <-chan event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Body.Close() })
	if kind := a.Header.Get("Content-Type"); a.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%d, %s", a.StatusCode, kind)
	}
	all := make(chan event, 1000)
	go func() {
		defer close(all)
		var e event
		lines := bufio.NewScanner(a.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				all <- e
				e = event{}
			}
		}
	}()
	return all
}

// next returns the events up to the next one named "now", which ends each message.
func next(t *testing.T, all <-chan event) (some []event) {
	t.Helper()
	for {
		select {
		case e, ok := <-all:
			if !ok {
				t.Fatal("the stream has ended")
			}
			if e.name == "now" {
				return some
			}
			some = append(some, e)
		case <-time.After(10 * time.Second):
			t.Fatalf("no message after 10 s; so far %v", some)
		}
	}
}

// trialsIn are the trials that a message has.
func trialsIn(t *testing.T, some []event) (all []View) {
	t.Helper()
	for _, e := range some {
		if e.name == "trials" {
			var part []View
			if err := json.Unmarshal([]byte(e.data), &part); err != nil {
				t.Fatalf("%s: %v", e.data, err)
			}
			all = append(all, part...)
		}
	}
	return all
}

// UnmarshalJSON reads what a test of MarshalJSON has written.
func (n *number) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, (*float64)(n)) }

// TestEvents: a browser gets everything, then what has changed and nothing else, and that trials are gone.
func TestEvents(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.begin(seed2)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2))
	r.watch(Options{Figures: []string{"z-use"}})
	server := httptest.NewServer(r.site)
	t.Cleanup(server.Close)
	all := stream(t, server.URL)
	first := next(t, all)
	var h header
	if first[0].name != "folder" || json.Unmarshal([]byte(first[0].data), &h) != nil || h.Total != 2 || h.Title != filepath.Base(r.root) || h.Figures[0].Name != "z-use" || !h.Figures[0].Open || h.Figures[1].Open {
		t.Errorf("%+v", first[0])
	}
	if first[1] != (event{"gone", "null"}) || len(trialsIn(t, first)) != 2 {
		t.Errorf("%+v", first)
	}
	r.later(time.Second) // reads the row
	if got := trialsIn(t, next(t, all)); len(got) != 1 || got[0].Name != "x/"+seed1 || got[0].Step != 10 || *got[0].KL != 2 {
		t.Errorf("a row: %+v", got)
	}
	r.later(time.Second) // nothing
	r.append(seed2, "rows.1.jsonl", train(t, 30, 0.123456))
	r.later(time.Second)
	if got := trialsIn(t, next(t, all)); len(got) != 1 || got[0].Name != "x/"+seed2 || *got[0].KL != 0.1235 {
		t.Errorf("a row of the other: %+v", got)
	}
	if err := os.RemoveAll(r.dir(seed1)); err != nil {
		t.Fatal(err)
	}
	r.put(seed2, record.FailedFile, "it broke <b>\n")
	r.append(seed2, "claim.1", "\nreleased\n")
	r.later(time.Minute)
	some := next(t, all)
	if !slices.Contains(some, event{"gone", `["x/` + seed1 + `"]`}) {
		t.Errorf("gone: %+v", some)
	}
	if got := trialsIn(t, some); len(got) != 1 || got[0].State != "failed" || got[0].Note != "it broke <b>" {
		t.Errorf("failed: %+v", got)
	}
	if late := trialsIn(t, next(t, stream(t, server.URL))); len(late) != 1 || late[0].Step != 30 {
		t.Errorf("a browser that comes late: %+v", late)
	}
	r.later(signOfLife + time.Second) // a sign of life without news
	if some := next(t, all); len(trialsIn(t, some)) > 0 {
		t.Errorf("a sign of life: %+v", some)
	}
}

// TestManyBrowsers: there is a limit, and a browser that leaves makes room.
func TestManyBrowsers(t *testing.T) {
	s := small(t, Options{}).site
	for range streams {
		s.streams <- struct{}{}
	}
	if a := ask(s, "GET", "/events"); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d", a.StatusCode)
	}
}

// TestFigures: a figure is drawn once for a version, again when rows have come and the pause is over, and what cannot be drawn
// has its reason. Names of settings are text in it.
func TestFigures(t *testing.T) {
	r := small(t, Options{})
	g := r.site.gallery
	first, err := g.draw("kl-curve")
	if err != nil || first.refused != "" || first.caption == "" || !strings.Contains(string(first.svg), "<svg ") {
		t.Fatalf("%v, %+v", err, first)
	}
	if again, _ := g.draw("kl-curve"); again.version != first.version || &again.svg[0] != &first.svg[0] {
		t.Error("it was drawn twice")
	}
	r.later(everyFigures + time.Second)
	before, _ := g.draw("kl-curve")
	for step := 30; step <= 90; step += 10 {
		r.append(seed1, "rows.1.jsonl", train(t, step, 5))
	}
	r.later(time.Second)
	if soon, _ := g.draw("kl-curve"); soon.version != before.version {
		t.Error("it was drawn again before the pause was over")
	}
	r.later(everyFigures)
	later, _ := g.draw("kl-curve")
	if later.version == before.version || string(later.svg) == string(before.svg) {
		t.Errorf("rows have come, and the figure is the same; version %d, then %d", before.version, later.version)
	}
	if p, err := g.draw("sweep"); err != nil || !strings.Contains(p.refused, "no variant has a setting that varies") {
		t.Errorf("sweep: %v, %+v", err, p)
	}
	r.later(idle + time.Second)
	r.later(time.Second)
	if g.set != nil || len(g.loaded) > 0 {
		t.Error("the rows stay in memory although nobody looks")
	}
	if after, _ := g.draw("kl-curve"); after.refused != "" {
		t.Errorf("after the pause: %s", after.refused)
	}
}

// TestFigureOfDamage: a trial with damaged files is left out, which is said.
func TestFigureOfDamage(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	r.begin(seed2)
	r.put(seed1, "rows.1.jsonl", train(t, 10, 2)+train(t, 20, 2))
	r.put(seed2, "rows.1.jsonl", train(t, 10, 2)+"no row\n"+train(t, 20, 2))
	r.watch(Options{})
	r.later(time.Second)
	if p, _ := r.site.gallery.draw("kl-curve"); p.leftOut != 1 || p.refused != "" {
		t.Errorf("%d left out, %s", p.leftOut, p.refused)
	}
}

// TestForeignText: settings are text in a picture, whatever they are.
func TestForeignText(t *testing.T) {
	r := newResults(t)
	for i, id := range []string{"bn-0123abcd/seed-1", "bn-4567abcd/seed-1"} {
		text, err := json.Marshal(record.Trial{Format: record.Format, Experiment: "x", ID: id, Variant: "bn<script>alert(1)</script>", Seed: 1,
			Config: map[string]string{"variant.bn.gamma": []string{`"/><script>`, "]]>&"}[i]}})
		if err != nil {
			t.Fatal(err)
		}
		r.put(id, record.TrialFile, string(text))
		r.put(id, "rows.1.jsonl", train(t, 10, 2)+train(t, 20, 4))
	}
	r.watch(Options{})
	r.later(time.Second)
	p, err := r.site.gallery.draw("kl-curve")
	if err != nil || p.refused != "" || strings.Contains(string(p.svg), "<script") || !strings.Contains(string(p.svg), "&lt;script") {
		t.Errorf("%v, %s, %s", err, p.refused, p.svg)
	}
	a := ask(r.site, "GET", "/figure/kl-curve.svg")
	if policy := a.Header.Get("Content-Security-Policy"); strings.Contains(policy, "script") {
		t.Errorf("a picture may have scripts: %s", policy)
	}
}

// TestReports: the reports of the folder and of experiments below it are served, and no other file, nor one behind a link.
func TestReports(t *testing.T) {
	r := newResults(t)
	r.begin(seed1)
	outside := filepath.Join(t.TempDir(), "report.html")
	for path, text := range map[string]string{filepath.Join(r.root, reportFile): "all", filepath.Join(r.root, "x", reportFile): "of x",
		filepath.Join(r.root, "other", reportFile): "none of a trial's", outside: "outside"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r.watch(Options{})
	for path, want := range map[string]string{"/report": "all", "/report/x": "of x"} {
		a := ask(r.site, "GET", path)
		if text := body(t, a); a.StatusCode != 200 || text != want || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %q", path, a.StatusCode, text)
		}
		if policy := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src") || strings.Contains(policy, "script") {
			t.Errorf("%s: policy %s", path, policy)
		}
	}
	for _, path := range []string{"/report/other", "/report/.", "/report/x/bn-0123abcd"} {
		if a := ask(r.site, "GET", path); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	// What leads out of the folder is no report, and what was one is asked for again.
	inside := filepath.Join(r.root, "x", reportFile)
	if err := os.Remove(inside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, inside); err != nil {
		t.Skip(err)
	}
	if a := ask(r.site, "GET", "/report/x"); a.StatusCode != 404 {
		t.Errorf("behind a link: %d %s", a.StatusCode, body(t, a))
	}
	r.later(time.Minute)
	if a := ask(r.site, "GET", "/report/x"); a.StatusCode != 404 || slices.Contains(r.site.model.reports, "x") {
		t.Errorf("behind a link, later: %d, %v", a.StatusCode, r.site.model.reports)
	}
}

// TestNew: what is no results folder is refused.
func TestNew(t *testing.T) {
	o := Options{Now: time.Now, Cost: func() time.Duration { return 0 }}
	empty := t.TempDir()
	for _, c := range []struct {
		root    string
		figures []string
		want    string
	}{
		{empty, nil, "there is no trial in or below this folder; vaelab run trains some"},
		{filepath.Join(empty, "none"), nil, "no such file"},
		{empty, []string{"kl-crve"}, `did you mean "kl-curve"?`},
	} {
		o.Figures = c.figures
		if _, err := New(c.root, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.root, err, c.want)
		}
	}
}

// TestFolderGone: the page says that the folder cannot be read, and goes on when it can.
func TestFolderGone(t *testing.T) {
	r := small(t, Options{})
	away := r.root + "-away"
	if err := os.Rename(r.root, away); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(away) })
	r.later(time.Minute)
	if problem := r.site.header().Problem; !strings.Contains(problem, "no such file") {
		t.Errorf("problem %q", problem)
	}
	if err := os.Rename(away, r.root); err != nil {
		t.Fatal(err)
	}
	r.later(time.Minute)
	if h := r.site.header(); h.Problem != "" || r.view(seed1).Step != 20 {
		t.Errorf("%+v, %+v", h, r.view(seed1))
	}
}
