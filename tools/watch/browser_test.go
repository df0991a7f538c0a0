// Package watch_test opens what vaelab shows in browsers, in a real Chromium: the page of vaelab watch, and reports.
package watch_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tools are the program under test and the browser.
var tools struct {
	vaelab, chromium string
	missing          string // what is not there
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
			if path, err := exec.LookPath(name); err == nil {
				tools.chromium = path
				break
			}
		}
		if tools.chromium == "" {
			tools.missing = "Chromium (apt install chromium)"
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "vaelab-watch")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		tools.vaelab = filepath.Join(dir, "vaelab")
		build := exec.Command("go", "build", "-o", tools.vaelab, "./cmd/vaelab")
		build.Dir = filepath.Join("..", "..")
		if text, err := build.CombinedOutput(); err != nil {
			fmt.Printf("%v: %v\n%s", build, err, text)
			return 1
		}
		return m.Run()
	}())
}

// needBrowser skips a test where a tool is missing, and names it.
func needBrowser(t *testing.T) {
	t.Helper()
	if tools.missing != "" {
		t.Skip("missing: " + tools.missing)
	}
}

// vaelab runs a command line in a folder to its end.
func vaelab(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(tools.vaelab, args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("vaelab %v: %v\n%s", args, err, text)
	}
	return string(text)
}

// A watcher is a running vaelab watch.
type watcher struct {
	*exec.Cmd
	url    string
	stderr bytes.Buffer
}

// watch starts vaelab watch in a folder and waits for its address. It is stopped with the test.
func watch(t *testing.T, dir string, args ...string) *watcher {
	t.Helper()
	w := &watcher{Cmd: exec.Command(tools.vaelab, append([]string{"watch", "--addr", "127.0.0.1:0"}, args...)...)}
	w.Dir, w.Stderr = dir, &w.stderr
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
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		w.Wait()
		t.Fatalf("vaelab watch printed no address: %v\n%s", err, w.stderr.String())
	}
	w.url = strings.TrimSpace(line)
	return w
}

// A tab is a tab of the browser, and what its console has said.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string
}

// A step is what a tab does.
type step = chromedp.Action[chromedp.Void]

// open opens a page at a width. The tab is closed with the test, which fails if the console has said anything.
func open(t *testing.T, width int64, url string, before ...step) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(tools.chromium), chromedp.NoSandbox)
	all, closeBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(all)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	b := &tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		closeTab()
		closeBrowser()
		for _, m := range b.forgive() {
			t.Errorf("the console of %s at %d px says: %s", url, width, m)
		}
	})
	said := chromedp.Console(ctx) // violations of the content security policy, too
	go func() {
		for m, err := range said {
			if err == nil {
				b.mu.Lock()
				b.messages = append(b.messages, m.String()+" "+m.URL)
				b.mu.Unlock()
			}
		}
	}()
	b.run(chromedp.EmulateViewport(width, 900))
	b.run(before...)
	b.run(chromedp.Navigate(url))
	return b
}

// navigate leaves the page for another one.
func (b *tab) navigate(url string) {
	b.t.Helper()
	b.run(chromedp.Navigate(url))
}

// forgive forgets what the console has said, and returns it.
func (b *tab) forgive() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.messages
	b.messages = nil
	return said
}

func (b *tab) run(steps ...step) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%v; the console says %v", err, b.forgive())
	}
}

// value is what an expression is in the page.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v; the console says %v", expression, err, b.forgive())
	}
	return v
}

// do evaluates an expression for what it does.
func (b *tab) do(expression string) {
	b.t.Helper()
	value[bool](b, "("+expression+", true)")
}

// until waits until an expression is true in the page, and fails with the text of another one if it is not.
func (b *tab) until(within time.Duration, expression, else_ string) {
	b.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if value[bool](b, "Boolean("+expression+")") {
			return
		}
	}
	b.t.Fatalf("after %v not true: %s; %s is %q", within, expression, else_, value[string](b, "String("+else_+")"))
}

// fits fails if the page is wider than the window, and says by what.
func (b *tab) fits(what string) {
	b.t.Helper()
	const wider = `(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return "";
		const scrolls = (e) => e && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
		const out = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > wide + 1 && !scrolls(e.parentElement));
		return document.documentElement.scrollWidth + " of " + wide + " px: " +
			out.slice(0, 5).map((e) => e.tagName + "." + e.className + " " + (e.textContent || "").slice(0, 40)).join("; ");
	})()`
	if out := value[string](b, wider); out != "" {
		b.t.Errorf("%s scrolls sideways: %s", what, out)
	}
}

// reaches fails unless the Tab key comes to everything that scrolls sideways, also in what has to be opened first.
func (b *tab) reaches(what string) {
	b.t.Helper()
	b.do(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
	b.do(`scrollTo(0, 0)`)
	// Chromium reaches all that scrolls; other browsers only what has a tabindex.
	const find = `[...document.querySelectorAll("*")].filter((e) => e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX))`
	const name = `((e) => e.tagName.toLowerCase() + "." + e.className + " " + (e.textContent || "").trim().slice(0, 40))`
	if without := value[[]string](b, find+`.filter((e) => e.tabIndex < 0).map(`+name+`)`); len(without) > 0 {
		b.t.Errorf("%s: these areas scroll and have no tabindex: %q", what, without)
	}
	n := value[int](b, find+`.map((e) => { e.dataset.reach = "no"; }).length`)
	b.do(`addEventListener("focusin", (e) => { if (e.target.dataset.reach) e.target.dataset.reach = "yes"; })`)
	stops := value[int](b, `document.querySelectorAll("a, button, input, summary, [tabindex]").length`)
	for i := 0; n > 0 && i < stops+2; i++ {
		b.run(chromedp.KeyEvent(kb.Tab))
	}
	if left := value[[]string](b, `[...document.querySelectorAll("[data-reach=no]")].map(`+name+`)`); len(left) > 0 {
		b.t.Errorf("%s: the Tab key does not come to %d of the %d areas that scroll: %q", what, len(left), n, left)
	}
}

// screenshot saves what the window shows where VAELAB_PICTURES names a folder.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("VAELAB_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666); err != nil {
		b.t.Fatal(err)
	}
}

// dark makes the browser prefer dark pages.
func dark() step {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		return err
	})
}

// early runs a script before those of the page.
func early(script string) step {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// metered makes the browser count the processor time of a tab's main thread.
func metered() step {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
		return err
	})
}

// tasks is that time so far, in seconds.
func (b *tab) tasks() float64 {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range r.Metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	b.t.Fatal("the browser does not count")
	return 0
}
