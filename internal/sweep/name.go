package sweep

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"vaelab/internal/record"
	"vaelab/internal/train"
)

// traits is every setting there is, by its key in trial.json.
var traits = sync.OnceValue(func() map[string]*setting {
	all := map[string]*setting{}
	for _, p := range places() {
		all[join(p.section, p.setting.key)] = &p.setting
	}
	return all
})

// neutral is the settings that have a neutral value, by their key in trial.json.
var neutral = sync.OnceValue(func() map[string]*setting {
	all := maps.Clone(traits())
	maps.DeleteFunc(all, func(_ string, s *setting) bool { return s.neutral == nil })
	return all
})

// Identify gives a trial its ID, once the digest of its data is known.
func Identify(t *train.Trial, digest string) {
	t.Trial.Data = digest
	t.ID = NameOf(t.Trial)
}

// NameOf returns the ID of a trial, <variant>-<hash8>/seed-<s>. The hash is of what the trial trains on: its
// Settings and the digest of its data. Other programs' trials and those of older versions of this one may lie in
// folders of other names; see OldNameOf.
func NameOf(t record.Trial) string { return named(t, Settings(t.Config)) }

// OldNameOf returns the ID that versions before the tag neutral gave a trial. Their hash is of every setting in
// its trial.json: with the paths of its data, and with no setting left out. A folder of that name is as good as one of
// NameOf, since trial.json does not change when a later version reads it. The name of a folder fits neither if its
// trial.json was changed by hand or damaged. Trials in archives may fit neither, because what is published names
// files without their folders.
func OldNameOf(t record.Trial) string {
	var b strings.Builder
	for _, k := range sortedKeys(t.Config) {
		fmt.Fprintf(&b, "%s=%s\n", k, t.Config[k])
	}
	return named(t, b.String())
}

func named(t record.Trial, settings string) string {
	sum := sha256.Sum256([]byte(settings + "data_digest=" + t.Data))
	return fmt.Sprintf("%s-%x/seed-%d", t.Variant, sum[:4], t.Seed)
}

// Settings returns the settings that name a trial as one text, a line each, sorted by key. Two are left out. The
// digest of the data stands for the paths of files (tag kind:"path"). A setting at its neutral value (tag
// neutral) does what the program did before there was such a setting, and trials from before it lack it.
func Settings(config map[string]string) string {
	var b strings.Builder
	for _, k := range sortedKeys(config) {
		if inName(k, config[k]) {
			b.WriteString(k)
			b.WriteByte('=')
			b.WriteString(config[k])
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// inName tells whether a setting with this value is part of what names a trial.
func inName(key, value string) bool {
	s := traits()[key]
	return s == nil || !s.path && !s.isNeutral(value)
}

// isPath tells whether a setting is where data lie.
func isPath(key string) bool {
	s := traits()[key]
	return s != nil && s.path
}

// Naming returns the settings that Settings writes.
func Naming(config map[string]string) map[string]string {
	kept := map[string]string{}
	for k, v := range config {
		if inName(k, v) {
			kept[k] = v
		}
	}
	return kept
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// isNeutral tells whether the setting has a neutral value, and this is it.
func (s *setting) isNeutral(value string) bool { return s.neutral != nil && *s.neutral == value }

// complete returns the settings of a trial with those that it lacks at their neutral values: it was made before
// there were any. A setting without a neutral value is never made up.
func complete(config map[string]string) map[string]string {
	out := config
	for key, s := range neutral() {
		if _, ok := config[key]; ok || !uses(config, key) {
			continue
		}
		if len(out) == len(config) {
			out = maps.Clone(config)
		}
		out[key] = *s.neutral
	}
	return out
}

// uses tells whether trials of these kinds have a setting.
func uses(config map[string]string, key string) bool {
	parts := strings.SplitN(key, ".", 3)
	if !isKinded(parts[0]) {
		return true
	}
	return slices.Contains(strings.Split(config[parts[0]], "+"), parts[1])
}

// Complete makes trials that several versions of the program have made, on several machines, comparable: settings
// that a trial lacks get their neutral values, and the paths of equal data become those of the first trial that has
// the data. It also tells the set which settings move the rate.
func Complete(set *record.Set) {
	set.Knobs = map[string]string{}
	for key, s := range traits() {
		if s.knob != "" {
			set.Knobs[key] = s.knob
		}
	}
	first := map[string]map[string]string{} // digest of data -> settings
	for i := range set.Runs {
		t := &set.Runs[i].Trial
		t.Config = complete(t.Config)
		data := t.Config["data"] + " " + t.Data
		if _, ok := first[data]; !ok {
			first[data] = t.Config
			continue
		}
		for key, value := range first[data] {
			if here, ok := t.Config[key]; ok && here != value && isPath(key) {
				t.Config = maps.Clone(t.Config)
				t.Config[key] = value
			}
		}
	}
}

// Settle tells a set when the experiment's trials count as converged, and which methods its claims compare.
func (e *Experiment) Settle(set *record.Set) {
	if set.Flat == nil {
		set.Flat = map[string]record.Flat{}
	}
	set.Flat[e.Name] = record.Flat(e.Converged)
	if set.Compared == nil {
		set.Compared = map[string][]record.Comparison{}
	}
	set.Compared[e.Name] = nil
	for _, c := range e.Claims {
		if two, ok := c.Comparison(); ok {
			set.Compared[e.Name] = append(set.Compared[e.Name], two)
		}
	}
}

// CheckNames marks the finished trials of a set whose settings do not give their name: trial.json was changed. With
// the sums in DONE that has been checked already; it is for trials of older versions. Which trial such a folder holds is not known,
// so that it leaves the runs.
func CheckNames(set *record.Set) {
	set.Runs = slices.DeleteFunc(set.Runs, func(run record.Run) bool {
		err := checkName(run)
		if err != nil {
			set.Damage = append(set.Damage, err)
		}
		return err != nil
	})
}

// fits tells whether a trial's settings give its name, by the rule of this version or by that of older ones.
func fits(t record.Trial) bool { return t.ID == NameOf(t) || t.ID == OldNameOf(t) }

// checkName returns a *record.Damage if the settings of a finished trial do not give its name. Trials in archives are
// not checked, see OldNameOf.
func checkName(run record.Run) error {
	if run.State != record.Done || run.Files != nil || fits(run.Trial) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(run.Dir, record.TrialFile)); err != nil {
		return nil
	}
	return &record.Damage{Dir: run.Dir, File: record.TrialFile, What: fmt.Sprintf("its settings are those of %s, but its name is %s", OldNameOf(run.Trial), run.ID)}
}
