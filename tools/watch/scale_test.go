package watch_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// many is an experiment of which one seed of each setting is copied.
const many = `# What does a large folder cost?
base:
  data: {synthetic: {train: 1600, valid: 64, test: 64, length: 6, vocab: 50, hidden: 10, embed: 10}}
  model: {lstm: {latent_dim: 8, embed_dim: 8, enc_hidden: 8, dec_hidden: 8}}
  train: {epochs: 5, batch_size: 32, log_every: 1}
grid: [{variant: vanilla}, {variant: bn}, {variant: ln}, {variant: {bn-scaler: {tau: 0.5}}}]
`

// A thousand makes an experiment of 1,000 trials: 950 that are done, and 50 that write a row when they are told.
type thousand struct {
	dir     string
	running []*os.File
	rows    []string // of a trial, line by line
	written int
}

const (
	copies = 250 // of each of four trials
	live   = 50
)

func newThousand(t *testing.T) *thousand {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "many.yaml"), many)
	vaelab(t, dir, "run", "many.yaml", "-q", "--keep", "none")
	all := &thousand{dir: filepath.Join(dir, "results", "many")}
	first, err := filepath.Glob(filepath.Join(all.dir, "*", "seed-1"))
	if err != nil || len(first) != 4 {
		t.Fatal(first, err)
	}
	for _, from := range first {
		trial, rows := read(t, filepath.Join(from, "trial.json")), read(t, filepath.Join(from, "rows.jsonl"))
		all.rows = strings.SplitAfter(rows, "\n")
		for seed := 2; seed <= copies; seed++ {
			to := filepath.Join(filepath.Dir(from), fmt.Sprintf("seed-%d", seed))
			own := strings.NewReplacer("/seed-1\"", fmt.Sprintf("/seed-%d\"", seed), "\"seed\": 1,", fmt.Sprintf("\"seed\": %d,", seed), `"seed": "1"`, fmt.Sprintf(`"seed": "%d"`, seed)).Replace(trial)
			write(t, filepath.Join(to, "trial.json"), own)
			if len(all.running) < live && seed%5 == 0 {
				write(t, filepath.Join(to, "claim.1"), fmt.Sprintf(`{"host":"n%d","system":"another","pid":7,"job":"12_%d","heartbeat_seconds":600,"nonce":"a"}`, seed, seed)+"\n")
				write(t, filepath.Join(to, "rows.1.jsonl"), strings.Join(all.rows[:100], ""))
				f, err := os.OpenFile(filepath.Join(to, "rows.1.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { f.Close() })
				all.running = append(all.running, f)
				continue
			}
			write(t, filepath.Join(to, "rows.jsonl"), rows)
			write(t, filepath.Join(to, "DONE"), done(t, to))
		}
	}
	all.written = 100
	return all
}

// done is the text of DONE for the files of a trial: size, SHA-256 and name of each, and of these lines.
func done(t *testing.T, dir string) string {
	t.Helper()
	line := func(text, name string) string {
		return fmt.Sprintf("%d %x %s\n", len(text), sha256.Sum256([]byte(text)), name)
	}
	all := ""
	for _, name := range []string{"rows.jsonl", "trial.json"} {
		all += line(read(t, filepath.Join(dir, name)), name)
	}
	return all + line(all, "DONE")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// step writes the next row of each trial that runs.
func (all *thousand) step(t *testing.T) {
	t.Helper()
	for _, f := range all.running {
		if _, err := f.WriteString(all.rows[all.written%200]); err != nil {
			t.Fatal(err)
		}
	}
	all.written++
}

// cpu is the processor time of a process so far.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	fields := strings.Fields(read(t, fmt.Sprintf("/proc/%d/stat", pid)))
	var user, system int64
	fmt.Sscan(fields[13], &user)
	fmt.Sscan(fields[14], &system)
	return time.Duration(user+system) * 10 * time.Millisecond // 100 ticks a second
}

// clocked makes the page note when it has drawn what each message brought.
const clocked = `(() => {
	window.took = [];
	const listen = EventSource.prototype.addEventListener;
	EventSource.prototype.addEventListener = function (name, take) {
		listen.call(this, name, (e) => {
			const begun = performance.now();
			take(e);
			if (name === "trials") requestAnimationFrame(() => {
				const channel = new MessageChannel(); // after the frame is painted
				channel.port1.onmessage = () => window.took.push(performance.now() - begun);
				channel.port2.postMessage(0);
			});
		});
	};
	new MutationObserver((_, o) => {
		if (document.querySelectorAll("#trials tr").length > 0) {
			o.disconnect();
			requestAnimationFrame(() => {
				const channel = new MessageChannel();
				channel.port1.onmessage = () => { window.firstRows = performance.now(); };
				channel.port2.postMessage(0);
			});
		}
	}).observe(document, { childList: true, subtree: true });
})()`

// TestThousandTrials: with 1,000 trials, of which 50 write a row a second, the first rows are painted
// within a second, an update takes less than 100 ms, and watching less than 5 % of a processor, with figures in view. Other programs
// make single updates wait, so the median counts, and the processor time of the browser's main thread.
func TestThousandTrials(t *testing.T) {
	needBrowser(t)
	all := newThousand(t)
	started := time.Now()
	w := watch(t, all.dir, ".", "--figure", "kl-curve,z-use")
	address := time.Since(started)
	b := open(t, 1280, "about:blank", early(clocked), metered())
	paint, first := math.Inf(1), math.Inf(1) // of three times: other programs only add
	for range 3 {
		b.navigate(w.url)
		b.until(20*time.Second, `window.firstRows`, "document.body.innerText")
		t.Logf("first paint %.0f ms, first rows %.0f ms",
			value[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`), value[float64](b, "window.firstRows"))
		paint = min(paint, value[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
		first = min(first, value[float64](b, "window.firstRows"))
	}
	b.until(60*time.Second, `document.querySelector("#summary").textContent === "1,000 trials: 950 done, 50 running"`, `document.querySelector("#summary").textContent`)
	read := time.Since(started)
	b.do(`document.querySelector("#figures").scrollIntoView()`)
	b.until(60*time.Second, `[...document.querySelectorAll("#figures img:not([hidden])")].length === 2`, `document.querySelector("#figures").innerText`)
	if left := value[string](b, `[...document.querySelectorAll("#figures figcaption")].map((c) => c.textContent).join("").replaceAll("Being drawn.", "")`); left != "" {
		t.Error(left)
	}
	b.screenshot("thousand-figures")
	b.do(`scrollTo(0, 0)`)
	b.screenshot("thousand")
	b.do(`document.querySelector("#figures").scrollIntoView()`)

	const span = 90 * time.Second
	b.do(`window.took = []`)
	const version = `Number(/version=(\d+)/.exec(document.querySelector("#figures img").src)[1])`
	drawn := value[int](b, version)
	tasks := b.tasks()
	from := cpu(t, w.Process.Pid)
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(time.Second) {
		all.step(t)
	}
	used := cpu(t, w.Process.Pid) - from
	tasks = b.tasks() - tasks
	took := value[[]float64](b, "window.took")
	if len(took) < 30 {
		t.Fatalf("only %d updates in %v", len(took), span)
	}
	slices.Sort(took)
	median, work := took[len(took)/2], 1000*tasks/float64(len(took))
	share := 100 * used.Seconds() / span.Seconds()
	drawn = value[int](b, version) - drawn
	t.Logf("after the start: address %.1f s, all rows read %.1f s; in the browser: first paint %.0f ms, first rows %.0f ms; "+
		"%d updates: median %.0f ms, 95 %% within %.0f ms, the longest %.0f ms, processor time %.0f ms each; figures drawn %d times; "+
		"watching takes %.1f %% of a processor",
		address.Seconds(), read.Seconds(), paint, first, len(took), median, took[len(took)*95/100], took[len(took)-1], work, drawn, share)
	if paint > 1000 || first > 1000 {
		t.Errorf("first paint after %.0f ms, first rows after %.0f ms", paint, first)
	}
	if median > 100 || work > 100 {
		t.Errorf("an update takes %.0f ms and %.0f ms of processor time", median, work)
	}
	if drawn == 0 {
		t.Error("no figure was drawn anew")
	}
	if share > 5 {
		t.Errorf("watching takes %.1f %% of a processor", share)
	}
	b.fits("the page of 1,000 trials")
	if rows := value[int](b, `document.querySelectorAll("#trials tr").length`); rows != 200 {
		t.Errorf("%d rows are shown at first", rows)
	}
	b.do(`document.querySelector("#more").click()`)
	b.until(5*time.Second, `document.querySelectorAll("#trials tr").length === 400`, `document.querySelector("#more").textContent`)
	if err := w.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := w.Wait(); err != nil {
		t.Error(err)
	}
	b.forgive() // that the connection is lost
}
