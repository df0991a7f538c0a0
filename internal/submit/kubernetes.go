package submit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// A Kubernetes is an experiment as the manifest of an Indexed Job: each index is a task in a pod of its own. A second
// Job, suspended until someone starts it, makes the report.
//
// The volume of a PersistentVolumeClaim holds data and results. It is mounted at Mount, the working directory of the pods.
// The experiment lies in a ConfigMap. The program comes with the image, whose entrypoint is vaelab.
type Kubernetes struct {
	Experiment string // its name
	Text       []byte // its frozen file
	Image      string
	Claim      string // name of the PersistentVolumeClaim
	Results    string // folder of the results as the pods see it; a relative one is below Mount
	Tasks      int    // the completions of the Job
	AtOnce     int    // pods at a time, its parallelism; 0 is all
	CPUs       int    // of a pod: it trains as many trials side by side
	Memory     string // of a pod, a quantity such as 2Gi
	Keep       string // as run --keep takes it; empty for what run does without
}

// Mount is where the pods see the volume.
const Mount = "/data"

// MostTasks is the largest number of tasks of one Job: above it Kubernetes wants maxFailedIndexes, too.
const MostTasks = 100_000

// config is where the pods see the experiment.
const config = "/etc/vaelab"

// user is the user and group of the program in a pod: any that is not root and no user of the node.
const user = 65532

// mostText is how much a ConfigMap may hold, in bytes.
const mostText = 1 << 20

// DefaultTasks is the number of tasks for so many trials where nobody gives one: one a trial, but at most 1,000. The
// data are not here, so that no training step can be timed. With more tasks a trial that fails or is evicted delays
// fewer others; but each one is a pod, which takes seconds to start and remains as an object of the cluster until its
// Job is deleted. 1,000 is far below the 12,500 ended pods at which a cluster deletes the oldest, with their logs
// (--terminated-pod-gc-threshold of kube-controller-manager).
func DefaultTasks(trials int) int { return min(trials, 1000) }

//go:embed kubernetes.yaml.tmpl
var kubernetesText string

var kubernetesTemplate = template.Must(template.New("kubernetes").Parse(kubernetesText))

// quantity is what Kubernetes accepts as an amount of memory, without exponents.
var quantity = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)?([kMGT]|[KMGT]i)?$`)

// claimName is the name of an object of Kubernetes: a DNS subdomain.
var claimName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// Check returns what is wrong with the request; the names are those of flags of vaelab submit.
func (k Kubernetes) Check() error {
	switch {
	case k.Image == "" || strings.ContainsAny(k.Image, " \t\r\n"):
		return fmt.Errorf("--image %q: must be the name of an image whose entrypoint is vaelab, such as registry.example.org/me/vaelab:1", k.Image)
	case k.Tasks < 1 || k.Tasks > MostTasks:
		return fmt.Errorf("--tasks %d: must be 1 to %d", k.Tasks, MostTasks)
	case k.AtOnce < 0 || k.AtOnce > k.Tasks:
		return fmt.Errorf("--at-once %d: must be 1 to %d, the number of tasks", k.AtOnce, k.Tasks)
	case k.CPUs < 1:
		return fmt.Errorf("-j %d: must be at least 1", k.CPUs)
	case !quantity.MatchString(k.Memory):
		return fmt.Errorf("--memory %q: must be an amount such as 2Gi or 500Mi", k.Memory)
	case !claimName.MatchString(k.Claim):
		return fmt.Errorf("--claim %q: must be the name of a PersistentVolumeClaim: lower-case letters, digits, - and '.'", k.Claim)
	case len(k.Text) > mostText:
		return fmt.Errorf("%s: the experiment has %d bytes; a ConfigMap holds %d", k.Experiment, len(k.Text), mostText)
	}
	return nil
}

// Manifest returns the YAML for kubectl create, after Check.
func (k Kubernetes) Manifest() ([]byte, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	unnamed, err := k.manifest("")
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(unnamed)
	return k.manifest(fmt.Sprintf("%s-%x", label(k.Experiment), hash[:4]))
}

func (k Kubernetes) manifest(name string) ([]byte, error) {
	file := config + "/experiment.yaml"
	type pod struct {
		Name, Image, Args, Mount, Config, Claim, CPUs, Memory string
		User                                                  int
	}
	runs := func(args ...string) pod {
		return pod{
			Name: name, Image: quote(k.Image), Args: list(args), Mount: Mount, Config: config, Claim: quote(k.Claim),
			CPUs: quote(strconv.Itoa(k.CPUs)), Memory: quote(k.Memory), User: user,
		}
	}
	atOnce := k.AtOnce
	if atOnce == 0 {
		atOnce = k.Tasks
	}
	// The kubelet expands $(...) from the container's environment.
	train := []string{"run", file, "--task", fmt.Sprintf("$(JOB_COMPLETION_INDEX)/%d", k.Tasks), "--out", k.Results}
	if k.Keep != "" {
		train = append(train, "--keep", k.Keep)
	}
	var b bytes.Buffer
	err := kubernetesTemplate.Execute(&b, struct {
		Name, Experiment, Text string
		Tasks, AtOnce          int
		Train, Report          pod
	}{
		Name: name, Experiment: k.Experiment, Text: block(string(k.Text), "    "), Tasks: k.Tasks, AtOnce: atOnce,
		Train:  runs(train...),
		Report: runs("report", k.Results+"/"+k.Experiment, "--experiment", file),
	})
	return b.Bytes(), err
}

// label turns the name of an experiment into the beginning of a DNS label, which the names of pods are made from. With a
// hash, an index or -report, and hyphens it stays below 63 characters.
func label(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(name[:min(len(name), 40)], "-")
}

// quote is a text on one line: what Go escapes, and how, YAML reads in double quotation marks.
func quote(text string) string { return strconv.QuoteToASCII(text) }

// list is texts as a YAML list on one line.
func list(texts []string) string {
	var quoted []string
	for _, t := range texts {
		quoted = append(quoted, quote(t))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// printable is what a block of YAML may hold as it is.
var printable = regexp.MustCompile(`^[\t\n\x20-\x7e\x{a0}-\x{2027}\x{202a}-\x{d7ff}\x{e000}-\x{fefe}\x{ff00}-\x{fffd}\x{10000}-\x{10ffff}]+$`)

// block is a text as YAML writes it on lines of its own, each indented. A text that cannot stand there is quoted: one
// with control characters, with an indented first line, or that does not end with exactly one line break.
func block(text, indent string) string {
	if !printable.MatchString(text) || strings.ContainsAny(text[:1], " \t\n") || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		return quote(text)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = indent + line
		}
	}
	return "|\n" + strings.Join(lines, "\n")
}
