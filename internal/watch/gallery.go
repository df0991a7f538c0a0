package watch

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"vaelab/internal/record"
	"vaelab/internal/status"
	"vaelab/internal/sweep"
	"vaelab/plots"
)

// A gallery draws figures when they are asked for. What it has drawn stands until its version is over: that is a while after
// rows have come, the longer the more it cost to draw.
type gallery struct {
	root   string
	o      Options
	offers []offer

	mu      sync.Mutex // for what follows
	version int
	wanted  bool // a figure of this version
	changes int  // of the model, now
	shown   int  // and when this version began
	since   time.Time
	cost    time.Duration // of this version
	asked   time.Time     // when a figure was wanted last
	sources []source

	drawing sync.Mutex // for what follows; it is locked before mu
	set     *record.Set
	of      int // the version of set
	loaded  map[string]load
	made    map[string]picture
}

// A source is a trial whose rows a figure may show.
type source struct {
	dir  string // empty for the trials of the archive
	mark mark
}

// A mark tells whether the files of a trial have changed.
type mark struct {
	state status.State
	file  string
	size  int64
	at    time.Time
}

// A load is what package record has read of a source.
type load struct {
	mark   mark
	runs   []record.Run
	damage []error
}

// A picture is a figure that was drawn, or why it was not.
type picture struct {
	version int
	svg     []byte
	caption string
	refused string
	leftOut int // trials, because their files are damaged
}

func newGallery(root string, o Options) *gallery {
	return &gallery{root: root, o: o, offers: offers(o.Figures), version: 1, loaded: map[string]load{}, made: map[string]picture{}}
}

// idle is the time after which rows leave the memory, if nobody looks at a figure.
const idle = 2 * time.Minute

// supply tells the gallery what there is to draw.
func (g *gallery) supply(m *model, now time.Time) {
	g.mu.Lock()
	if g.changes != m.changes || g.sources == nil {
		g.changes = m.changes
		g.sources = m.sources()
	}
	if g.wanted {
		g.turn(now)
	}
	dropped := now.Sub(g.asked) > idle
	g.mu.Unlock()
	if dropped && g.drawing.TryLock() { // else somebody has just asked
		g.set, g.of = nil, 0
		clear(g.loaded)
		g.drawing.Unlock()
	}
}

// turn begins a new version if rows have come and the pause is over. The lock is held.
func (g *gallery) turn(now time.Time) {
	if g.changes != g.shown && now.Sub(g.since) >= pause(everyFigures, g.cost, restOfFigures) {
		g.version++
		g.shown, g.since, g.cost, g.wanted = g.changes, now, 0, false
	}
}

// drawn is the present version.
func (g *gallery) drawn() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.version
}

// sources are the trials that have rows.
func (m *model) sources() []source {
	all := []source{}
	for _, t := range m.trials {
		if !t.archived && t.State != status.NotBegun {
			all = append(all, source{t.dir, mark{t.State, t.file, t.size, t.rowsAt}})
		}
	}
	if m.archive {
		all = append(all, source{})
	}
	return all
}

// draw returns a figure, drawn anew if there is a new version.
func (g *gallery) draw(name string) (picture, error) {
	figure, err := plots.Figures.Get(name)
	if err != nil {
		return picture{}, err
	}
	g.drawing.Lock()
	defer g.drawing.Unlock()
	g.mu.Lock()
	g.asked = g.o.Now()
	g.turn(g.asked)
	g.wanted = true
	version, sources := g.version, g.sources
	g.mu.Unlock()
	if p, ok := g.made[name]; ok && p.version == version {
		return p, nil
	}
	if g.set == nil {
		g.load(sources) // once, which does not count
		g.of = version
	}
	before := g.o.Cost()
	if g.of != version {
		g.load(sources)
		g.of = version
	}
	p := picture{version: version, leftOut: len(g.set.Damage)}
	drawing, err := figure.Draw(g.set)
	if err == nil {
		err = g.set.Err()
	}
	if err == nil {
		p.caption = drawing.Caption
		p.svg, err = drawing.SVG()
	}
	if err != nil {
		p.refused = err.Error()
	}
	g.made[name] = p
	g.mu.Lock()
	g.cost += g.o.Cost() - before
	g.mu.Unlock()
	return p, nil
}

// load makes the set of all trials, and reads those that have changed.
func (g *gallery) load(sources []source) {
	old := g.loaded
	g.loaded = map[string]load{}
	var dirs []string // to read
	for _, s := range sources {
		l, ok := old[s.dir]
		switch {
		case ok && l.mark == s.mark:
		case s.dir == "":
			l = load{}
			var err error
			if l.runs, err = record.LoadArchive(g.root); err != nil {
				l.damage = []error{err}
			}
		default:
			l = load{mark: s.mark}
			dirs = append(dirs, s.dir)
		}
		g.loaded[s.dir] = l
	}
	g.read(dirs)
	g.set = &record.Set{}
	for _, l := range g.loaded {
		g.set.Runs = append(g.set.Runs, l.runs...)
		g.set.Damage = append(g.set.Damage, l.damage...)
	}
	slices.SortFunc(g.set.Runs, func(a, b record.Run) int { // as package record sorts them
		return cmp.Or(cmp.Compare(filepath.Dir(a.Dir), filepath.Dir(b.Dir)), cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.Dir, b.Dir))
	})
	g.set.Runs = withoutCopies(g.set.Runs)
	sweep.CheckNames(g.set)
	sweep.Complete(g.set)
}

// read loads trials from their folders. One that has been removed meanwhile has no runs.
func (g *gallery) read(dirs []string) {
	if len(dirs) == 0 {
		return
	}
	set, err := record.Load(dirs...)
	if err != nil && len(dirs) > 1 {
		for _, dir := range dirs {
			g.read([]string{dir})
		}
		return
	}
	if err != nil {
		return
	}
	for _, run := range set.Runs {
		l := g.loaded[run.Dir]
		l.runs = append(l.runs, run)
		g.loaded[run.Dir] = l
	}
	for _, err := range set.Damage {
		var damage *record.Damage
		if errors.As(err, &damage) {
			l := g.loaded[damage.Dir]
			l.damage = append(l.damage, err)
			g.loaded[damage.Dir] = l
		}
	}
}

// withoutCopies leaves out, of a trial that lies in several places, those whose folder has another trial's name, and those in
// an archive, as record.Load does.
func withoutCopies(runs []record.Run) []record.Run {
	proper := map[string]bool{}
	name := func(r record.Run) string { return r.Experiment + "/" + r.ID }
	inPlace := func(r record.Run) bool {
		_, err := os.Stat(r.Dir)
		return err == nil && record.PlaceOf(r.Dir) == r.ID
	}
	for _, r := range runs {
		if inPlace(r) {
			proper[name(r)] = true
		}
	}
	return slices.DeleteFunc(runs, func(r record.Run) bool { return proper[name(r)] && !inPlace(r) })
}
