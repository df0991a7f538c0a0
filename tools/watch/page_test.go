package watch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// slow is an experiment of two trials that take some ten seconds each.
const slow = `# Does the page change?
base:
  data: {synthetic: {train: 4000, valid: 200, test: 200, length: 8, vocab: 100, hidden: 20, embed: 20}}
  model: {lstm: {latent_dim: 4, embed_dim: 16, enc_hidden: 24, dec_hidden: 24}}
  train: {epochs: 12, batch_size: 32, log_every: 10}
grid: [{variant: vanilla}, {variant: bn}, {variant: bn, train: {lr: 1e30}}]
`

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestRun watches a run from its first trial to the report: values change, figures are drawn anew, and Ctrl-C ends it.
func TestRun(t *testing.T) {
	needBrowser(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "slow.yaml"), slow)
	run := exec.Command(tools.vaelab, "run", "slow.yaml", "-q", "-j", "1")
	run.Dir = dir
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	t.Cleanup(func() { run.Process.Kill() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if rows, _ := filepath.Glob(filepath.Join(dir, "results/slow/*/seed-1/rows*")); len(rows) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no trial has begun after a minute")
		}
	}
	w := watch(t, dir, "results/slow")
	b := open(t, 1280, w.url)
	const running = `document.querySelector("#trials tr:has(.running)")`
	// Of all trials, because one may end between two looks.
	const steps = `[...document.querySelectorAll("#trials tr")].reduce((n, row) => n + (parseInt(row.cells[2].innerText.replaceAll(",", "")) || 0), 0)`
	b.until(20*time.Second, steps+` > 0`, "document.body.innerText")
	if title := value[string](b, "document.title"); title != "slow – vaelab watch" {
		t.Errorf("title %q", title)
	}
	first := value[float64](b, steps)
	b.until(20*time.Second, steps+" > "+value[string](b, "String("+steps+")"), "document.body.innerText")
	if then := value[float64](b, steps); then <= first {
		t.Errorf("step %v after %v", then, first)
	}
	b.until(20*time.Second, `/^\d+ (s|min)/.test(`+running+`?.cells[3].innerText)`, "document.body.innerText")
	b.until(20*time.Second, running+`?.querySelector("polyline")?.getAttribute("points").split(" ").length > 5`, "document.body.innerText")
	b.run(chromedp.ScrollIntoView(chromedp.CSS("#figures")))
	const version = `Number(/version=(\d+)/.exec(document.querySelector("#figures img:not([hidden])")?.src)?.[1])`
	b.until(30*time.Second, version+" > 0", "document.querySelector('#figures').innerText")
	drawn := value[string](b, "String("+version+")")
	b.until(60*time.Second, version+" > "+drawn, "document.querySelector('#figures').innerText")
	b.screenshot("run")

	select {
	case err := <-ended: // one trial fails
		if err == nil {
			t.Error("no trial of the run has failed")
		}
	case <-time.After(4 * time.Minute):
		t.Fatal("the run has not ended")
	}
	b.until(20*time.Second, `document.querySelector("#summary").textContent === "3 trials: 2 done, 1 failed"`, `document.querySelector("#summary").textContent`)
	b.until(10*time.Second, `document.querySelector("#trials tr").innerText.includes("diverged")`, `document.querySelector("#trials tr").innerText`)
	b.until(10*time.Second, `[...document.querySelectorAll("#trials tr")].slice(1).every((r) => /^−?\d/.test(r.cells[6].innerText))`, `document.querySelector("#trials").innerText`)
	b.fits("the page at 1280 px")

	vaelab(t, dir, "report", "results/slow")
	b.until(30*time.Second, `document.querySelector("#reports a")?.getAttribute("href") === "/report"`, "document.body.innerText")
	b.do(`document.querySelector("#reports a").click()`)
	b.until(20*time.Second, `location.pathname === "/report" && document.querySelector("table")`, "document.body.innerText")
	b.run(chromedp.NavigateBack())
	b.until(20*time.Second, `document.querySelectorAll("#trials tr").length === 3`, "document.body.innerText")

	// In this order, because the search below is among all.
	for _, click := range []struct{ name, rows string }{{"failed", "1"}, {"done", "2"}, {"all", "3"}} {
		b.do(`[...document.querySelectorAll("#states button")].find((b) => b.textContent.startsWith("` + click.name + `")).click()`)
		b.until(5*time.Second, `document.querySelectorAll("#trials tr").length === `+click.rows, "document.querySelector('#trials').innerText")
	}
	b.run(chromedp.SendKeys(chromedp.CSS("#search"), "vanilla"))
	b.until(5*time.Second, `document.querySelectorAll("#trials tr").length === 1`, "document.querySelector('#trials').innerText")

	// Ctrl-C ends it at once, although a browser is connected, and the page says so.
	begun := time.Now()
	if err := w.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(); err != nil || time.Since(begun) > time.Second {
		t.Errorf("Ctrl-C: %v after %v\n%s", err, time.Since(begun), w.stderr.String())
	}
	b.until(10*time.Second, `document.querySelector("#trouble").textContent.includes("cannot be reached")`, "document.body.innerText")
	for _, m := range b.forgive() {
		if !strings.Contains(m, "ERR_CONNECTION_REFUSED") && !strings.Contains(m, "ERR_INCOMPLETE_CHUNKED_ENCODING") {
			t.Errorf("the console says: %s", m)
		}
	}
}

// published is a folder with trials in an archive and a report.
func published(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "results", "published", "kl-vanishing"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestWidths: at 1280 and 400 px nothing scrolls but tables and figures, which the keyboard reaches; in light and dark.
func TestWidths(t *testing.T) {
	needBrowser(t)
	w := watch(t, published(t), ".")
	for _, width := range []int64{1280, 400} {
		for _, mode := range []string{"light", "dark"} {
			var before []step
			if mode == "dark" {
				before = append(before, dark())
			}
			b := open(t, width, w.url, before...)
			b.until(30*time.Second, `document.querySelectorAll("#trials tr").length > 0`, "document.body.innerText")
			b.screenshot("page-" + mode + "-" + map[int64]string{1280: "1280", 400: "400"}[width])
			b.do(`document.querySelector("#figures").scrollIntoView()`)
			b.until(30*time.Second, `document.querySelector("#figures img:not([hidden])")`, "document.querySelector('#figures').innerText")
			b.screenshot("figures-" + mode + "-" + map[int64]string{1280: "1280", 400: "400"}[width])
			b.do(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
			b.do(`scrollTo(0, document.body.scrollHeight)`)
			b.until(60*time.Second, `[...document.querySelectorAll("figcaption")].some((f) => f.textContent.startsWith("Not drawn"))`, "document.querySelector('#figures').innerText")
			b.fits("the page at the width")
			b.reaches("the page at the width")
			colours := value[[]int](b, `[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color].map((c) => Number(/\d+/.exec(c)[0]))`)
			if bright := colours[0] > colours[1]; bright != (mode == "light") {
				t.Errorf("%s mode has background and ink %v", mode, colours)
			}
		}
	}
}

// TestToken: the printed address opens the page, leaves it by itself, and works from another site, too.
func TestToken(t *testing.T) {
	needBrowser(t)
	w := watch(t, published(t), ".", "--token")
	if !strings.Contains(w.url, "/?token=") {
		t.Fatalf("the address is %s", w.url)
	}
	other := filepath.Join(t.TempDir(), "link.html")
	write(t, other, `<!DOCTYPE html><html lang="en"><title>a link</title><link rel="icon" href="data:,"><a href="`+w.url+`">the page</a>`)
	b := open(t, 1280, "file://"+other)
	b.run(chromedp.Click(chromedp.CSS("a")))
	b.until(20*time.Second, `document.querySelectorAll("#trials tr").length > 0`, "document.body.innerText")
	if at := value[string](b, "location.href"); strings.Contains(at, "token") || !strings.HasSuffix(at, "/") {
		t.Errorf("the address is still %s", at)
	}
	if cookie := value[string](b, "document.cookie"); cookie != "" {
		t.Errorf("a script can read the cookie %q", cookie)
	}
	b.run(chromedp.Reload())
	b.until(20*time.Second, `document.querySelectorAll("#trials tr").length > 0`, "document.body.innerText")
	without, _, _ := strings.Cut(w.url, "?")
	c := open(t, 1280, without)
	if text := value[string](c, "document.body.innerText"); !strings.Contains(text, "the token is missing or wrong") {
		t.Errorf("without the token the page says %q", text)
	}
	c.forgive()
}

// TestReports opens reports as files: the one that vaelab report makes of a published experiment.
func TestReports(t *testing.T) {
	needBrowser(t)
	dir := t.TempDir()
	for _, name := range []string{"kl-vanishing", "remedies"} {
		from := filepath.Join(filepath.Dir(published(t)), name)
		if _, err := os.Stat(from); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		vaelab(t, dir, "report", from, "--out", to)
		for _, width := range []int64{1280, 400} {
			t.Run(name, func(t *testing.T) {
				b := open(t, width, "file://"+filepath.Join(to, "report.html"))
				b.until(30*time.Second, `document.readyState === "complete"`, "document.title")
				b.fits("the report")
				b.reaches("the report")
				b.screenshot("report-" + name + "-" + map[int64]string{1280: "1280", 400: "400"}[width])
			})
		}
	}
}
