package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/claims"
	"vaelab/internal/record"
	"vaelab/internal/report"
	"vaelab/internal/sweep"
)

// Exit codes of verify. They are its verdicts, so that what goes wrong has another code here than
// in other commands.
const (
	exitRefuted   = 1 // some claim does not hold
	exitDamaged   = 1 // with --files: some file is damaged
	exitUndecided = 2 // none is refuted, but some claim is undecided
	exitNotJudged = 3 // no verdict: a wrong flag, faults in the file, results that cannot be written
)

// A verdict other than that every claim holds ends the program with its code and no message.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

func verifyCommand() *cobra.Command {
	c := choice{forClaims: true}
	var t training
	var noTrain, asJSON, files, all bool
	cmd := &cobra.Command{
		Use:   "verify EXPERIMENT | DIR --files",
		Short: "Train what the claims of an experiment need, and judge them",
		Long: `Train those trials of an experiment that its claims select and that are not trained yet, as run does,
and judge the claims. Other trials of the file change no verdict; they are counted, and trained only with
--all. Print one line for each claim: the verdict, the claim, its source, the numbers and
the reason. A claim of the kind matched compares two methods at a rate; its line has the level of each
there, the median over seeds. The verdicts also go to ` + report.VerdictsFile + ` in the results folder of
the experiment; a warning says if that folder is not writable.

A claim holds if the 95 % CI of the median over seeds lies inside the claimed range. It does not
hold if the CI lies outside. Otherwise it is undecided. The CI is distribution-free and needs six
seeds: without --seeds as many seeds are trained as the claims need, even if the file asks for
fewer. A claim is also undecided, with the reason, if one of its trials failed or is damaged, or
if the trials that it compares differ in more settings than it names.

A verdict is marked "not converged" if the validation objective of some of its trials was not flat
(vaelab list converged). It is also marked if the metric was still changing, so that the outcome
would change at the present rate. The line converged: any in a claim leaves the mark out. The mark
changes neither verdict nor exit code.

vaelab list claims explains the kinds of claims, vaelab list metrics their metrics. A metric that
no trial of the file measures is an error in the file. An error in a claim stops the command before
training; with --no-train the claim is named and left out, and the others are judged.

Trials whose rows report --rows has published in the results folder are not trained again, so that a
part of an experiment can be handed on.

With --no-train the rows that report --rows has published are judged without the data that they were
trained on, if they are of all trials of the file and no --set names data.

Exit codes:
  0  every claim holds
  1  some claim does not hold
  2  every claim holds or is undecided, and some claim is undecided or left out because of an error
  3  nothing was judged: a wrong flag, an error in the file, trials whose results cannot be written
  130  stopped; rerun the command to resume

With --files nothing is trained or judged. The command compares every file of every trial in and
below DIR, or in the results folder of the experiment, with its size and SHA-256: those in the
trial's ` + record.DoneFile + `, and for unfinished trials those in the checkpoint. It prints one line for each damaged
file, with the expected and the actual value, and the number of damaged files; --json prints the same.
vaelab run trains damaged trials again. Exit codes with --files:
  0  no file is damaged
  1  some file is damaged
  3  nothing was checked`,
		Example: `  vaelab verify kl-vanishing
  vaelab verify my.yaml --seeds 10 --json
  vaelab verify my.yaml --no-train
  vaelab verify results --files`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := t.check(); err != nil {
				return err
			}
			w, wErr := cmd.OutOrStdout(), cmd.ErrOrStderr()
			if files {
				return verifyFiles(w, wErr, c, given[0], asJSON)
			}
			c.soundClaims = noTrain
			var jobs []sweep.Job
			var published []record.Run
			archived := false
			e, err := c.read(wErr, given[0])
			if err == nil && noTrain {
				// Whoever names data means those, and not any that the archive is of.
				named := slices.ContainsFunc(c.sets, func(set string) bool { return strings.HasPrefix(set, "data.") })
				if published, err = record.LoadArchive(filepath.Join(c.out, e.Name)); err == nil && !named {
					jobs, archived = e.Archived(c.out, published)
				}
			}
			if err == nil && !archived {
				jobs, err = c.jobs(wErr, e)
			}
			if info, missing := os.Stat(given[0]); err != nil && missing == nil && info.IsDir() && !slices.Contains(experiments.Names(), given[0]) {
				return fmt.Errorf("%w; to check the files of the trials in the folder: vaelab verify %s --files", err, quoted(given))
			} else if err != nil {
				return err
			}
			if len(e.Claims) == 0 && len(e.Unjudged) > 0 {
				return fmt.Errorf("%s: every claim has an error", given[0])
			}
			if len(e.Claims) == 0 {
				return fmt.Errorf("%s: the file has no claims to judge; list them under claims: (see experiments/kl-vanishing.yaml)", given[0])
			}
			warnConfounds(wErr, e.Claims, jobs)
			if !noTrain {
				needed := jobs
				if !all {
					needed = selected(wErr, e.Claims, jobs)
				}
				if err := c.ready(needed); err != nil {
					return err
				}
				if published, err = record.LoadArchive(filepath.Join(c.out, e.Name)); err != nil {
					return err
				}
				if todo := unpublished(wErr, needed, published); len(todo) > 0 {
					ctx, restore := untilStopped(cmd.Context())
					err := t.missing(ctx, wErr, e, todo)
					restore()
					if stopped(err) {
						return err
					} else if err != nil {
						printErrors(wErr, err) // the claims about these trials will be undecided
					}
				}
			}
			dir := filepath.Join(c.out, e.Name)
			set, err := evidence(wErr, jobs, published)
			if err != nil {
				return err
			}
			claim(set, e)
			if len(published) > 0 && !slices.ContainsFunc(set.Runs, func(r record.Run) bool { return len(r.Rows) > 0 }) {
				return fmt.Errorf("%s: no trial matches %s, because another version of the file or of the program trained them; verdicts unchanged",
					filepath.Join(dir, record.ArchiveFile), given[0])
			}
			verdicts := claims.Judge(set, e.Claims, e.Converged)
			if err := set.Err(); err != nil { // a file has changed since: nothing is known
				return err
			}
			return conclusion(w, wErr, dir, e, verdicts, asJSON)
		},
	}
	c.flags(cmd)
	t.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&files, "files", false, "only check the files of the trials; train and judge nothing")
	f.BoolVar(&all, "all", false, "also train the trials that no claim selects")
	f.BoolVar(&noTrain, "no-train", false, "train nothing; judge the trials that are there")
	f.BoolVar(&asJSON, "json", false, "print JSON, as in "+report.VerdictsFile+", or with --files what is damaged")
	cmd.MarkFlagsMutuallyExclusive("files", "no-train")
	cmd.MarkFlagsMutuallyExclusive("files", "all")
	cmd.MarkFlagsMutuallyExclusive("no-train", "all")
	return cmd
}

// selected are the jobs whose trials the claims select, with a line if there are others.
func selected(wErr io.Writer, said []claims.Claim, jobs []sweep.Job) (needed []sweep.Job) {
	for _, j := range jobs {
		if slices.ContainsFunc(said, func(c claims.Claim) bool { return c.Needs(j.Trial.Trial) }) {
			needed = append(needed, j)
		}
	}
	if len(needed) < len(jobs) {
		fmt.Fprintf(wErr, "vaelab: note: %d of %s are needed by the claims; verify --all trains the others, too\n", len(needed), count(len(jobs), "trial"))
	}
	return needed
}

// inArchive is the job's trial in the archive, unless it has a folder: that comes first.
func inArchive(j sweep.Job, archive []record.Run) (run record.Run, ok bool) {
	if record.IsTrial(j.Dir) {
		return run, false
	}
	p := slices.IndexFunc(archive, func(r record.Run) bool { return j.Is(r.Trial) })
	if p < 0 {
		return run, false
	}
	return archive[p], true
}

// unpublished are the jobs whose trials the archive does not have to the end, with a line if there are others.
func unpublished(wErr io.Writer, jobs []sweep.Job, archive []record.Run) (missing []sweep.Job) {
	for _, j := range jobs {
		if r, ok := inArchive(j, archive); !ok || r.State != record.Done && r.State != record.Failed {
			missing = append(missing, j)
		}
	}
	if len(missing) < len(jobs) {
		fmt.Fprintf(wErr, "vaelab: note: %d of %s are in %s and are not trained again; another --out trains them\n",
			len(jobs)-len(missing), count(len(jobs), "trial"), record.ArchiveFile)
	}
	return missing
}

// warnConfounds says before the training which claims cannot be judged for a confound.
func warnConfounds(wErr io.Writer, said []claims.Claim, jobs []sweep.Job) {
	var trials []record.Trial
	for _, r := range asked(jobs).Runs {
		trials = append(trials, r.Trial)
	}
	for _, c := range said {
		if err := c.Confound(trials); err != nil {
			fmt.Fprintf(wErr, "vaelab: warning: %q will be undecided: %s\n", c.Say, visible(err.Error()))
		}
	}
}

// evidence is what the jobs have measured, in their folders or else among the published. Those that have
// not begun are in it as unfinished, and those of whose folder nothing can be used as damaged, so that each
// claim can say what it lacks.
func evidence(wErr io.Writer, jobs []sweep.Job, archive []record.Run) (*record.Set, error) {
	set := &record.Set{}
	at := map[string]int{} // folder -> place in set
	var dirs []string
	for i, j := range jobs {
		set.Runs = append(set.Runs, record.Run{Trial: j.Trial.Trial, Dir: j.Dir})
		if record.IsTrial(j.Dir) {
			dirs, at[j.Dir] = append(dirs, j.Dir), i
		} else if run, ok := inArchive(j, archive); ok {
			set.Runs[i] = run
		}
	}
	there, err := load(wErr, dirs)
	if err != nil {
		return nil, err
	}
	for _, err := range there.Damage {
		d := err.(*record.Damage)
		if i, ok := at[d.Dir]; ok {
			set.Runs[i].State, set.Runs[i].Reason = record.Damaged, d.File+": "+d.What
		}
	}
	for _, run := range there.Runs {
		set.Runs[at[run.Dir]] = run
	}
	sweep.Complete(set)
	return set, nil
}

// conclusion keeps and prints the verdicts; its error is the exit code that they make. Verdicts that cannot be kept are
// printed all the same.
func conclusion(w, wErr io.Writer, dir string, e *sweep.Experiment, verdicts []claims.Verdict, asJSON bool) error {
	text, err := json.MarshalIndent(struct {
		Experiment string           `json:"experiment"`
		Question   string           `json:"question"`
		Notes      string           `json:"notes,omitempty"`
		Claims     []claims.Verdict `json:"claims"`
	}{e.Name, e.Question, e.Remarks, verdicts}, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	path := filepath.Join(dir, report.VerdictsFile)
	kept := os.MkdirAll(dir, 0o777)
	if kept == nil {
		kept = record.WriteFileAtomic(path, text)
	}
	switch {
	case asJSON:
		_, err = w.Write(text)
	default:
		if err = printVerdicts(w, verdicts); kept == nil {
			fmt.Fprintln(w, path)
		}
	}
	if err != nil {
		return err
	}
	if kept != nil {
		fmt.Fprintf(wErr, "vaelab: warning: the verdicts are not saved: %s\n", visible(kept.Error()))
	}
	return code(verdicts, len(e.Unjudged) > 0)
}

// printVerdicts prints a line for each claim, and one that counts them.
func printVerdicts(w io.Writer, verdicts []claims.Verdict) error {
	counts, unconverged := map[claims.Outcome]int{}, 0
	for _, v := range verdicts {
		counts[v.Outcome]++
		mark := ""
		if v.Unconverged != nil {
			mark = fmt.Sprintf("[%v] ", v.Unconverged)
			unconverged++
		}
		if _, err := fmt.Fprintf(w, "%-13s  %s%s (%s): %s\n", v.Outcome, mark, visible(v.Claim.Say), visible(v.Claim.Source), visible(v.Numbers())); err != nil {
			return err
		}
	}
	var parts []string
	for _, o := range []claims.Outcome{claims.Holds, claims.Refuted, claims.Undecided} {
		parts = append(parts, fmt.Sprintf("%s: %d", o, counts[o]))
	}
	if unconverged > 0 {
		parts = append(parts, fmt.Sprintf("of these not converged: %d", unconverged))
	}
	_, err := fmt.Fprintln(w, strings.Join(parts, ", "))
	return err
}

// code is nil if every claim holds, else the exit code as an error; leftOut tells whether there are claims
// without a verdict.
func code(verdicts []claims.Verdict, leftOut bool) error {
	found := func(o claims.Outcome) bool {
		return slices.ContainsFunc(verdicts, func(v claims.Verdict) bool { return v.Outcome == o })
	}
	switch {
	case found(claims.Refuted):
		return verdict(exitRefuted)
	case found(claims.Undecided) || leftOut:
		return verdict(exitUndecided)
	}
	return nil
}
