package watch

import (
	"cmp"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML []byte

//go:embed page.css
var pageCSS []byte

//go:embed page.js
var pageJS []byte

// routes are all paths that there are. None of them is a path of a file.
func (s *Site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /page.css", content("text/css; charset=utf-8", pageCSS))
	mux.HandleFunc("GET /page.js", content("text/javascript; charset=utf-8", pageJS))
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /caption/{name}", s.caption)
	mux.HandleFunc("GET /figure/{name}", s.figure)
	mux.HandleFunc("GET "+reportRoute, s.report)
	mux.HandleFunc("GET "+reportRoute+"/{dir...}", s.report)
	return s.guarded(mux)
}

// reportRoute is the path of the folder's own report. Behind it follow the folders of others.
const reportRoute = "/report"

// streams is the most browsers that get events at a time.
const streams = 100

// content is a handler of bytes that never change.
func content(kind string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(text)
	}
}

// The content security policies: of everything, and of the pages that package report and the figures are.
const (
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	documentPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// guarded lets through what may be answered.
func (s *Site) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "this page is read only: the method must be GET or HEAD", http.StatusMethodNotAllowed)
		case !s.o.AnyHost && !ownName(r.Host):
			http.Error(w, "the host in the address must be localhost or this machine's loopback address", http.StatusForbidden)
		case !s.admitted(w, r):
		case path.Clean(r.URL.Path) != r.URL.Path:
			http.NotFound(w, r) // the mux would answer with a redirection
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownName tells whether the host of a request is one by which this machine alone is known. Another one that leads here is that
// of a page elsewhere which has changed its address (DNS rebinding).
func ownName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// admitted tells whether a browser has the token. It takes one from the address of the front page into a cookie, so that the
// address need not keep it.
func (s *Site) admitted(w http.ResponseWriter, r *http.Request) bool {
	if s.o.Token == "" {
		return true
	}
	same := func(token string) bool { return subtle.ConstantTimeCompare([]byte(token), []byte(s.o.Token)) == 1 }
	name := cookieName(r)
	if r.URL.Path == "/" && r.URL.Query().Has("token") && same(r.URL.Query().Get("token")) {
		http.SetCookie(w, &http.Cookie{Name: name, Value: s.o.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		// Not a redirection: a browser that comes from a link on another site would follow that one without the cookie.
		w.Header().Set("Refresh", "0; url=/")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>vaelab</title><p><a href="/">Go to the page</a></p></html>`)
		return false
	}
	for _, c := range r.CookiesNamed(name) {
		if same(c.Value) {
			return true
		}
	}
	http.Error(w, "the token is missing or wrong; open the address that vaelab watch has printed", http.StatusUnauthorized)
	return false
}

// cookieName is the name of the cookie, which has the port in it: browsers send cookies to all ports of a host.
func cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
		return "vaelab-watch"
	}
	return "vaelab-watch-" + port
}

// front is the page itself.
func (s *Site) front(w http.ResponseWriter, r *http.Request) {
	content("text/html; charset=utf-8", pageHTML)(w, r)
}

// slow is the time that a browser has to take what it is sent.
const slow = 30 * time.Second

// events sends everything, then what changes.
func (s *Site) events(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, fmt.Sprintf("%d browsers are watching already; close one", streams), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	to := http.NewResponseController(w)
	for version := 0; ; {
		events, now, more := s.board.since(version)
		version = now
		_ = to.SetWriteDeadline(s.o.Now().Add(slow)) // an error shows with the next write
		if _, err := w.Write(events); err != nil {
			return
		}
		if to.Flush() != nil {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}

// caption says of a figure what a page needs beside its picture.
func (s *Site) caption(w http.ResponseWriter, r *http.Request) {
	p, err := s.gallery.draw(r.PathValue("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"version": p.version, "caption": p.caption, "refused": p.refused, "left_out": p.leftOut})
}

// figure is a picture, name.svg.
func (s *Site) figure(w http.ResponseWriter, r *http.Request) {
	name, isSVG := strings.CutSuffix(r.PathValue("name"), ".svg")
	if !isSVG {
		http.NotFound(w, r)
		return
	}
	p, err := s.gallery.draw(name)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusNotFound)
	case p.refused != "":
		http.Error(w, p.refused, http.StatusNotFound)
	default:
		w.Header().Set("Content-Security-Policy", documentPolicy)
		content("image/svg+xml", p.svg)(w, r)
	}
}

// report is the report of the folder or of an experiment in it. It has no scripts, and its style and pictures are inside.
func (s *Site) report(w http.ResponseWriter, r *http.Request) {
	dir := cmp.Or(r.PathValue("dir"), ".")
	f, err := s.openReport(dir)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", documentPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// openReport opens the report of a folder that is known to have one. A link cannot lead out of the page's folder.
func (s *Site) openReport(dir string) (*os.File, error) {
	if !s.board.hasReport(dir) {
		return nil, os.ErrNotExist
	}
	root, err := os.OpenRoot(s.model.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name := path.Join(dir, reportFile)
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() { // to open a pipe would wait
		return nil, os.ErrNotExist
	}
	return root.Open(name)
}
