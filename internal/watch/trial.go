package watch

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"vaelab/internal/record"
	"vaelab/internal/status"
)

// A View is a trial as the page has it. Times are seconds since 1970 by the clock of the file server.
type View struct {
	Name  string       `json:"name"`            // path of its folder below that of the page
	Label string       `json:"label,omitempty"` // variant and settings that vary, as in figures
	Group int          `json:"group"`           // place of the label among all
	Seed  int          `json:"seed,omitempty"`
	State status.State `json:"state"`
	Note  string       `json:"note,omitempty"`
	Where string       `json:"where,omitempty"`
	Since int64        `json:"since,omitempty"` // it has been running since then, or showed no sign of life

	Step  int     `json:"step,omitempty"`
	Steps int     `json:"steps,omitempty"` // of the training at most
	End   int64   `json:"end,omitempty"`   // when it will have ended, if it goes on like this
	KL    *number `json:"kl,omitempty"`    // of its last training row, in nats
	MI    *number `json:"mi,omitempty"`    // of its last evaluation
	Gap   *number `json:"gap,omitempty"`
	Test  bool    `json:"test,omitempty"` // MI and gap are of the test split, because there is no validation row

	Curve []int  `json:"curve,omitempty"` // training KL, in hundredths of Top; -1 where it is not finite
	Top   number `json:"top"`
}

// A number is rounded to four digits, and a string if it is not finite.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte(`"not finite"`), nil
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(float64(n), 'e', 3, 64), 64)
	return strconv.AppendFloat(nil, rounded, 'f', -1, 64), nil
}

// A trial is a View and what is known behind it.
type trial struct {
	View
	dir      string
	archived bool         // it has no folder
	settings record.Trial // zero if trial.json cannot be read, or not yet
	began    time.Time    // when trial.json was written
	note     string       // what status says
	changed  bool         // View has, since it was published
	stirred  bool         // other files are in its folder than when status looked

	dirAt  time.Time // when the names in its folder changed
	file   string    // name of the file of rows, or empty
	rowsAt time.Time // when rows.jsonl was changed last
	size   int64
	tail   record.Tail
	broken string // why not all of its rows can be read
	more   bool   // there are rows that have not been read
	read   bool   // there are none, as far as is known

	kl   curve
	pace pace
}

// stands takes up what status says. It tells whether the trial is in another state.
func (t *trial) stands(s status.Trial, now time.Time) bool {
	before := t.View
	t.Name, t.State, t.note = s.Name, s.State, s.Note
	t.Where, t.Since = s.Queued, 0
	if s.Queued != "" {
		t.Where = "job " + s.Queued
	}
	if s.Owner != nil {
		t.Where = s.Owner.String()
		t.Since = now.Add(-time.Duration(s.Silent * float64(time.Second))).Unix()
		if s.State == status.Running {
			t.Since = s.Since.Unix()
		}
	}
	if t.Label == "" {
		t.Label = s.Variant
	}
	if s.State != status.Running {
		t.End = 0
	}
	t.say()
	// A claim's time is the last heartbeat less all heartbeats, which is not the same after each of them.
	if d := t.Since - before.Since; s.State == before.State && s.State == status.Running && -30 <= d && d <= 30 {
		t.Since = before.Since
	}
	t.changed = t.changed || t.State != before.State || t.Note != before.Note || t.Where != before.Where || t.Since != before.Since || t.End != before.End
	return t.State != before.State
}

// say makes the note of what status says and of what is wrong with the rows.
func (t *trial) say() {
	t.Note = t.note
	if t.broken != "" {
		if t.Note != "" {
			t.Note += "; "
		}
		t.Note += t.broken
	}
}

// called gives the trial the name of its settings, and the place of that name among all.
func (t *trial) called(label string, group int) {
	t.changed = t.changed || t.Label != label || t.Group != group
	t.Label, t.Group = label, group
}

// readRows reads rows that have been appended, up to about a number of bytes. It tells whether there were any, and how many
// bytes.
func (t *trial) readRows(most int64) (got bool, n int64) {
	defer func() { t.read = !t.more }()
	if info, err := os.Stat(t.dir); err == nil && !info.ModTime().Equal(t.dirAt) {
		t.stirred = !t.dirAt.IsZero()
		t.dirAt = info.ModTime()
		t.file = rowsFile(t.dir)
	}
	if t.file == "" {
		return false, 0
	}
	path := filepath.Join(t.dir, t.file)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() { // to open a pipe would wait
		t.dirAt = time.Time{} // its names are read again
		return false, 0
	}
	if info.Size() == t.size && info.ModTime().Equal(t.rowsAt) && !t.more {
		return false, 0
	}
	t.size, t.rowsAt = info.Size(), info.ModTime()
	for again := true; again && n < most; again = t.more {
		const part = 1 << 20
		rows, fresh, more, err := t.tail.Read(path, part)
		n += part
		if fresh {
			t.forget()
			got = true
		}
		t.more = more
		t.take(rows)
		got = got || len(rows) > 0
		broken := ""
		if err != nil {
			broken = t.file + ": " + err.Error()
		}
		if broken != t.broken {
			t.broken, t.changed = broken, true
			t.say()
		}
	}
	return got, min(n, info.Size())
}

// rowsFile is the name of the file of rows in a trial's folder, or empty.
func rowsFile(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if e.Name() == record.DoneFile {
			return record.RowsFile
		}
		names = append(names, e.Name())
	}
	if name, ok := record.Latest(names, record.RowsFile); ok {
		return name
	}
	return ""
}

// forget takes back what was learnt from rows, because they are read anew.
func (t *trial) forget() {
	t.Step, t.Steps, t.End, t.KL, t.MI, t.Gap, t.Test = 0, 0, 0, nil, nil, nil, false
	t.kl, t.pace = curve{}, pace{}
	t.Curve, t.Top, t.changed = nil, 0, true
}

// take learns from rows.
func (t *trial) take(rows []record.Entry) {
	for _, row := range rows {
		if row.Split == "train" {
			if row.Epoch > 0 {
				epochs, _ := strconv.ParseFloat(t.settings.Config["train.epochs"], 64) // 0 if there are none
				t.Steps = int(math.Round(epochs * float64(row.Step) / row.Epoch))
			}
			t.Step = row.Step
			if kl, ok := row.Value("kl"); ok {
				t.KL = (*number)(&kl)
				t.kl.add(kl)
			}
			continue
		}
		if test := row.Split == "test"; !test || t.Test || t.MI == nil && t.Gap == nil {
			if mi, ok := row.Value("mi"); ok {
				t.MI, t.Test = (*number)(&mi), test
			}
			if gap, ok := row.Value("gap"); ok {
				t.Gap, t.Test = (*number)(&gap), test
			}
		}
	}
	if len(rows) > 0 {
		t.Curve, t.Top = t.kl.points()
		t.changed = true
	}
}

// estimate says when a running trial will have ended.
func (t *trial) estimate() {
	if len(t.pace) == 0 && t.file == record.Numbered(record.RowsFile, 1) && !t.began.IsZero() {
		t.pace.add(t.began, 0) // nobody has trained it before
	}
	t.pace.add(t.rowsAt, t.Step)
	t.End = 0
	if left, ok := t.pace.left(t.Steps - t.Step); ok && t.State == status.Running {
		t.End = t.rowsAt.Add(left).Unix()
	}
}

// A pace is when a trial was at which step. The last is the present.
type pace []moment

type moment struct {
	at   time.Time
	step int
}

// The time over which a pace is measured, and between what is kept of it.
const (
	paceOver  = 5 * time.Minute
	paceEvery = 5 * time.Second
)

// add adds where the trial is now.
func (p *pace) add(at time.Time, step int) {
	all := *p
	if n := len(all); n >= 2 && at.Sub(all[n-2].at) < paceEvery {
		all = all[:n-1]
	}
	all = append(all, moment{at, step})
	for len(all) > 2 && at.Sub(all[1].at) >= paceOver {
		all = all[1:]
	}
	*p = all
}

// left is the time for a number of steps; ok is false if it cannot be told yet.
func (p pace) left(steps int) (d time.Duration, ok bool) {
	if len(p) < 2 {
		return 0, false
	}
	first, last := p[0], p[len(p)-1]
	took, done := last.at.Sub(first.at), last.step-first.step
	if took <= 0 || done <= 0 || steps < 0 {
		return 0, false
	}
	return time.Duration(float64(took) / float64(done) * float64(steps)), true
}

// A curve is a series of which every stride-th value is kept, so that it has as many points as a small picture.
type curve struct {
	kept        []float64
	stride, n   int
	last        float64
	notOfStride bool // last is not in kept
}

const curvePoints = 64

// add adds a value.
func (c *curve) add(v float64) {
	c.stride = max(1, c.stride)
	if c.last = v; c.n%c.stride == 0 {
		if len(c.kept) == curvePoints {
			for i := range curvePoints / 2 {
				c.kept[i] = c.kept[2*i]
			}
			c.kept = c.kept[:curvePoints/2]
			c.stride *= 2
		}
		if c.n%c.stride == 0 {
			c.kept = append(c.kept, v)
		}
	}
	c.notOfStride = c.n%c.stride != 0
	c.n++
}

// points are the values in hundredths of the largest.
func (c *curve) points() (all []int, top number) {
	values := c.kept
	if c.notOfStride {
		values = append(values[:len(values):len(values)], c.last)
	}
	largest := 0.0
	for _, v := range values {
		if !math.IsInf(v, 0) && v > largest { // not NaN
			largest = v
		}
	}
	for _, v := range values {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			all = append(all, -1)
		case largest == 0:
			all = append(all, 0)
		default:
			all = append(all, int(math.Round(100*max(0, v)/largest)))
		}
	}
	return all, number(largest)
}
