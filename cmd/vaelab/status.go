package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vaelab/internal/record"
	"vaelab/internal/status"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status DIR",
		Short: "Tell which trials are done, running, stale, stopped or failed",
		Long: `Tell how the trials in a folder stand, from files alone: on any machine that sees the folder, while others
train in it. DIR is a results folder, an experiment's, a group's or a trial's.

  done        finished; whether files are damaged since is checked by vaelab verify DIR --files
  running     a process has claimed the trial and gives signs of life: which, where, for how long
  stale       it has given none for three heartbeats, or has ended on this host without a word; the next
              vaelab run takes the trial over
  stopped     nobody works on it: interrupted, or at its time limit; vaelab run resumes it
  failed      with the reason; vaelab run tries it again
  not begun   a submission names it and no process has begun it; ask the scheduler about its jobs
  unreadable  its files are of a later version of the program, or may not be read

Times are by the clock of the file server, so the clocks of the machines do not matter. To learn the time a file is
made in DIR and removed; where none can be made, this machine's clock is used, and the output says so.
Otherwise nothing is written. Many trials of one state and variant share a line; --json lists every trial.

The exit code is 0 if the folder could be read, also if trials have failed, so that a script can tell an answer
from an error. Scripts find the number of failed trials in --json: count.failed.`,
		Example: "  vaelab status results/my\n  vaelab status results/my --json | jq .count.failed",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return printStatus(cmd.OutOrStdout(), cmd.ErrOrStderr(), given[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print every trial as JSON")
	return cmd
}

// printStatus prints how the trials in and below a folder stand.
func printStatus(w, wErr io.Writer, dir string, asJSON bool) error {
	if err := existing(dir); err != nil {
		return err
	}
	set, err := status.Read(dir, time.Now)
	if err != nil {
		return err
	}
	for _, warning := range set.Warnings {
		fmt.Fprintf(wErr, "vaelab: warning: %s\n", visible(warning))
	}
	if len(set.Trials) == 0 && !set.Archive {
		return fmt.Errorf("%s: there is no trial in or below this folder; vaelab run trains some", dir)
	}
	if asJSON {
		return printJSON(w, set)
	}
	var counts []string
	for _, s := range status.States {
		if n := set.Count[s]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s))
		}
	}
	slices.Reverse(counts)
	summary := count(len(set.Trials), "trial")
	if len(counts) > 0 {
		summary += ": " + strings.Join(counts, ", ")
	}
	fmt.Fprintln(w, summary)
	if set.Archive {
		fmt.Fprintf(w, "%s holds more finished trials, which are not counted here\n", record.ArchiveFile)
	}
	for _, s := range set.Submissions {
		fmt.Fprintf(w, "not begun of %s: %d", visible(s.Folder), s.NotBegun)
		if len(s.Jobs) > 0 {
			fmt.Fprintf(w, " (job %s)", visible(strings.Join(s.Jobs, ", ")))
		}
		fmt.Fprintln(w)
	}
	if err := printUnfinished(w, set); err != nil {
		return err
	}
	if timed := func(t status.Trial) bool { return t.Owner != nil }; set.LocalClock && slices.ContainsFunc(set.Trials, timed) {
		fmt.Fprintln(w, "Times are by the clock of this machine, because the folder cannot be written; that of the file server may differ.")
	}
	return nil
}

// existing refuses what is no folder.
func existing(dir string) error {
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return absent(dir)
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s: is not a folder; must be the folder of results, of an experiment or of a trial", dir)
	}
	return nil
}

// The most lines of one state: more are collapsed by variant, and of these the rest is left out.
const (
	mostTrials   = 20
	mostVariants = 40
)

// printUnfinished prints a table of what has begun and is not done, those first that need attention.
func printUnfinished(w io.Writer, set *status.Set) error {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	head := "\nstate\ttrial\twhere\ttime\tlast row, or what is wrong\n"
	for _, state := range status.States {
		if state == status.Done || state == status.NotBegun {
			continue
		}
		var bundles []bundle
		for _, trial := range set.Trials {
			if trial.State == state {
				bundles = append(bundles, bundle{trial})
			}
		}
		if len(bundles) > mostTrials {
			bundles = byVariant(bundles)
		}
		for i, b := range bundles {
			fmt.Fprint(t, head)
			head = ""
			if i == mostVariants {
				fmt.Fprintf(t, "%s\t%s more\t\t\t--json lists every trial\n", state, count(len(slices.Concat(bundles[i:]...)), "trial"))
				break
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", state, visible(b.name()), visible(b.where()), b.time(), visible(b.what()))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil { // without the padding of an empty cell
			return err
		}
	}
	return nil
}

// A bundle is trials of one state that share a line.
type bundle []status.Trial

var numbers = regexp.MustCompile(`[0-9]+`)

// byVariant puts together the trials of one variant, if what is said of them is the same except for numbers.
func byVariant(single []bundle) []bundle {
	at := map[string]int{}
	var all []bundle
	for _, b := range single {
		key := b[0].Variant + "\n" + numbers.ReplaceAllString(b[0].Note, "0")
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], b...)
	}
	return all
}

func (b bundle) name() string {
	if len(b) == 1 {
		return b[0].Name
	}
	return fmt.Sprintf("%s: %s, such as %s", b[0].Variant, count(len(b), "trial"), b[0].Name)
}

// where is the process that claimed the trial last; of several, their hosts.
func (b bundle) where() string {
	var hosts []string
	for _, t := range b {
		if t.Owner == nil {
			continue
		}
		if len(b) == 1 {
			return t.Owner.String()
		}
		if !slices.Contains(hosts, t.Owner.Host) {
			hosts = append(hosts, t.Owner.Host)
		}
	}
	if len(hosts) > 3 {
		return count(len(hosts), "host")
	}
	slices.Sort(hosts)
	return strings.Join(hosts, ", ")
}

// time is for how long it has been running, or since when it has not.
func (b bundle) time() string {
	say, seconds := "since %s", func(t status.Trial) float64 { return t.Silent }
	switch b[0].State {
	case status.Running:
		say, seconds = "for %s", func(t status.Trial) float64 { return t.Held }
	case status.Stale:
		say = "silent for %s"
	}
	var all []float64
	for _, t := range b {
		if t.Owner != nil {
			all = append(all, seconds(t))
		}
	}
	if len(all) == 0 {
		return ""
	}
	low, high := age(slices.Min(all)), age(slices.Max(all))
	if low != high {
		low += " to " + high
	}
	return fmt.Sprintf(say, low)
}

// what is the note and the last row.
func (b bundle) what() string {
	var parts []string
	if b[0].Note != "" {
		parts = append(parts, b[0].Note)
	}
	if row := b[0].Row; row != nil && len(b) == 1 && b[0].State != status.Failed {
		text := fmt.Sprintf("step %d, epoch %.3g", row.Step, row.Epoch)
		if b[0].Epochs > 0 {
			text += fmt.Sprintf(" of %g", b[0].Epochs)
		}
		if row.KL != nil {
			text += fmt.Sprintf(", KL %.2f", *row.KL)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// age is a time span for people: "50s", "12m", "3h05m", "5d02h".
func age(seconds float64) string {
	s := int(seconds)
	switch {
	case s < 120:
		return fmt.Sprintf("%ds", s)
	case s < 2*3600:
		return fmt.Sprintf("%dm", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
}
