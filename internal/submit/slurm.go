package submit

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// A Slurm is an experiment as jobs of Slurm: one or several arrays whose elements are tasks, and a report after them.
type Slurm struct {
	Experiment string // name
	Folder     string // of the submission, absolute: Slurm copies scripts, and starts them in another folder
	Results    string // the folder --out, absolute
	Tasks      int
	Trials     string   // positions of the trials, as run --trials takes them; empty for all
	AtOnce     int      // tasks at a time; 0 for as many as the cluster has room for
	Keep       string   // as run --keep takes it; empty for what run does without
	MaxArray   int      // what MaxArray returned
	Claims     bool     // the experiment has some
	Seeds      []int    // that the claims are judged with
	After      []string // jobs of earlier submissions, for which the report waits, too
	Args       []string // of the user for sbatch
}

// DefaultMaxArray is Slurm's MaxArraySize where slurm.conf has none.
const DefaultMaxArray = 1001

// MaxArray asks Slurm for MaxArraySize: indices of arrays are smaller.
func MaxArray() (int, error) {
	out, err := command("scontrol", "show", "config")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		if key, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == "MaxArraySize" {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return 0, fmt.Errorf("scontrol show config: %s", strings.TrimSpace(line))
			}
			return n, nil
		}
	}
	return DefaultMaxArray, nil
}

// An Array is consecutive tasks in one job.
type Array struct{ First, Last, AtOnce int }

// Indices is what sbatch --array takes.
func (a Array) Indices() string {
	indices := fmt.Sprintf("0-%d", a.Last-a.First)
	if a.AtOnce > 0 {
		indices += fmt.Sprintf("%%%d", a.AtOnce)
	}
	return indices
}

// Arrays divides the tasks into arrays of nearly equal sizes, as few as Slurm allows, and AtOnce among them.
func (s Slurm) Arrays() ([]Array, error) {
	if s.MaxArray < 1 {
		return nil, errors.New("Slurm has no job arrays here: MaxArraySize is 0 (scontrol show config)")
	}
	n := (s.Tasks + s.MaxArray - 1) / s.MaxArray
	if s.AtOnce > 0 && s.AtOnce < n {
		return nil, fmt.Errorf("--at-once %d: %d tasks are %d arrays, since Slurm allows %d in one (MaxArraySize), and each has a limit of its own; must be at least %d, or lower --tasks",
			s.AtOnce, s.Tasks, n, s.MaxArray, n)
	}
	var all []Array
	for i := range n {
		all = append(all, Array{First: i * s.Tasks / n, Last: (i+1)*s.Tasks/n - 1, AtOnce: (i+1)*s.AtOnce/n - i*s.AtOnce/n})
	}
	return all, nil
}

// longest is a bit less than the longest argument of a program on Linux, 128 KiB.
const longest = 130_000

// Check returns what cannot be written into the scripts: a line #SBATCH cannot have everything that a file name can.
func (s Slurm) Check() error {
	if len(s.Trials) > longest {
		return fmt.Errorf("the trials to submit are at too many places of the experiment for one command line (--trials, %d bytes); wait until more are done, or train them with vaelab run", len(s.Trials))
	}
	if strings.ContainsAny(s.Folder, "\"\\\n\r") {
		return fmt.Errorf("%s: a line #SBATCH cannot have quotation marks, backslashes or line breaks; choose another folder with --out", s.Folder)
	}
	return nil
}

//go:embed slurm.sh.tmpl
var slurmText string

var slurmTemplates = template.Must(template.New("slurm").Funcs(template.FuncMap{
	"quoted": func(s string) string { return Quoted([]string{s}) },
	"seeds":  seeds,
}).Parse(slurmText))

// Scripts returns job.sh and report.sh.
func (s Slurm) Scripts(arrays []Array) (task, report string) {
	write := func(name string) string {
		var b bytes.Buffer
		err := slurmTemplates.ExecuteTemplate(&b, name, struct {
			Slurm
			Array    Array
			Several  bool
			Log, Dir string
		}{
			s, arrays[0], len(arrays) > 1,
			pattern(filepath.Join(s.Folder, LogFolder)), filepath.Join(s.Results, s.Experiment),
		})
		if err != nil {
			panic("submit: " + err.Error()) // the templates are ours
		}
		return b.String()
	}
	return write("task"), write("report")
}

// seeds are what --seeds takes. One number is a count there, a comma makes it a list.
func seeds(all []int) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%d,", s)
	}
	if len(all) > 1 {
		return strings.TrimSuffix(b.String(), ",")
	}
	return b.String()
}

// pattern is a path in a name of a log, where % begins what Slurm replaces.
func pattern(path string) string { return strings.ReplaceAll(path, "%", "%%") }

// ArrayCommand is the command that queues an array.
func (s Slurm) ArrayCommand(a Array, several bool) []string {
	line := []string{"sbatch", "--parsable"}
	if several {
		line = append(line, "--array="+a.Indices())
	}
	line = append(append(line, s.Args...), filepath.Join(s.Folder, TaskScript))
	if several {
		line = append(line, strconv.Itoa(a.First))
	}
	return line
}

// ReportCommand is the command that queues the report after the arrays have ended, however they end. It has the user's
// arguments, without those that are for arrays only.
func (s Slurm) ReportCommand(jobs []string) []string {
	line := append([]string{"sbatch", "--parsable"}, forReport(s.Args)...)
	return append(line, "--dependency=afterany:"+strings.Join(slices.Concat(jobs, s.After), ":"), filepath.Join(s.Folder, ReportScript))
}

// forReport leaves out -a and --array with their values, and -H and --hold: the report waits for the arrays that are held.
func forReport(args []string) []string {
	isArray := func(name string) bool { return len(name) > len("--a") && strings.HasPrefix("--array", name) }
	var kept []string
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		switch {
		case args[i] == "-a" || isArray(args[i]):
			i++ // its value
		case strings.HasPrefix(args[i], "-a") || isArray(name) && joined || args[i] == "-H" || args[i] == "--hold":
		default:
			kept = append(kept, args[i])
		}
	}
	return kept
}

// Submit queues the arrays and the report, and writes their numbers down. If one is refused, those queued before it are
// cancelled; it returns with the error the jobs for which that fails. Said is what sbatch prints beside the numbers.
func (s Slurm) Submit(arrays []Array) (jobs []Job, said string, err error) {
	queue := func(line []string, j Job) error {
		id, words, err := sbatch(line)
		said += words
		if err != nil {
			return err
		}
		j.ID = id
		jobs = append(jobs, j)
		return WriteJobs(s.Folder, jobs)
	}
	for _, a := range arrays {
		if err = queue(s.ArrayCommand(a, len(arrays) > 1), Job{First: a.First, Last: a.Last, What: ArrayJob}); err != nil {
			break
		}
	}
	if err == nil {
		err = queue(s.ReportCommand(IDs(jobs)), Job{What: ReportJob})
	}
	if err == nil || len(jobs) == 0 {
		return jobs, said, err
	}
	if _, failed := command("scancel", IDs(jobs)...); failed != nil {
		return jobs, said, fmt.Errorf("%w\n%w\ncancel by hand: scancel %s", err, failed, strings.Join(IDs(jobs), " "))
	}
	return nil, said, err
}

// sbatch runs a command and returns the job's number and what sbatch says beside it, such as a warning.
func sbatch(line []string) (id, said string, err error) {
	cmd := exec.Command(line[0], line[1:]...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		return "", "", failure(line[0], words.String()+out.String(), err)
	}
	// NUMBER or NUMBER;CLUSTER, and what plugins of the site print
	for text := range strings.Lines(out.String()) {
		number, _, _ := strings.Cut(strings.TrimSpace(text), ";")
		if _, err := strconv.ParseUint(number, 10, 64); err == nil && id == "" {
			id = number
			continue
		}
		words.WriteString(text)
	}
	if id == "" {
		return "", "", fmt.Errorf("sbatch has queued nothing: %s", strings.TrimSpace(words.String()))
	}
	return id, words.String(), nil
}

// command runs a program of Slurm and returns its standard output.
func command(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		return "", failure(name, words.String(), err)
	}
	return out.String(), nil
}

// failure is the error of a program: its own words, if it has any.
func failure(name, words string, err error) error {
	words = strings.TrimSpace(words)
	if words == "" {
		return fmt.Errorf("%s: %w", name, err)
	}
	return errors.New(words)
}
