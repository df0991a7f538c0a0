package submit

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "renew testdata/kubernetes.yaml")

// request is one that Check accepts.
func request() Kubernetes {
	return Kubernetes{
		Experiment: "kl-vanishing", Text: []byte("# Does the KL vanish?\nexperiment: kl-vanishing\ngrid:\n  - variant: vanilla\n\n  - variant: bn\n"),
		Image: "registry.example.org/me/vaelab:1", Claim: "vaelab", Results: "results", Tasks: 16, AtOnce: 8, CPUs: 2, Memory: "2Gi",
	}
}

func manifest(t *testing.T, k Kubernetes) []byte {
	t.Helper()
	text, err := k.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// documents are the YAML documents of a manifest.
func documents(t *testing.T, text []byte) (all []map[string]any) {
	t.Helper()
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var d map[string]any
		err := dec.Decode(&d)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		all = append(all, d)
	}
}

// at follows keys and indexes into a document.
func at(t *testing.T, d any, path ...any) any {
	t.Helper()
	for i, p := range path {
		switch key := p.(type) {
		case string:
			m, ok := d.(map[string]any)
			if !ok || m[key] == nil {
				t.Fatalf("no %v in %v", path[:i+1], d)
			}
			d = m[key]
		case int:
			d = d.([]any)[key]
		}
	}
	return d
}

// TestKubernetesGolden: the whole manifest. .ci/run checks the file against the published schemas of Kubernetes.
func TestKubernetesGolden(t *testing.T) {
	file := filepath.Join("testdata", "kubernetes.yaml")
	got := manifest(t, request())
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the manifest is not %s; go test ./internal/submit -run Golden -update renews it. Got\n%s", file, got)
	}
}

// TestKubernetesText: whatever the experiment's text is, the ConfigMap has it byte for byte.
func TestKubernetesText(t *testing.T) {
	for _, text := range []string{
		"a: 1\n", "a: 1", "", "\n", "a: 1\n\n", "  a: 1\n", "\ta\n", "a: |\n  x\n\n  y\n", "# ä \u2028 😀\na: 1\n", "a: \x00\n", "a: 1\r\nb: 2\r\n",
		"\ufeffa: 1\n", "a: 1\n   \nb: 2\n", "a: 'x'  \n\tb\n", "a: \u0085\n", "---\na: 1\n", "a: \"<&>\"\n", "a: {{.Name}}\n", "%YAML 1.2\n...\n",
	} {
		k := request()
		k.Text = []byte(text)
		all := documents(t, manifest(t, k))
		if got := at(t, all[0], "data", "experiment.yaml"); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

// TestKubernetesNames: names of pods are DNS labels, whatever the experiment's name is; the same request has the same
// name, and any other one another.
func TestKubernetesNames(t *testing.T) {
	seen := map[string]string{}
	name := func(what string, change func(*Kubernetes)) string {
		t.Helper()
		k := request()
		change(&k)
		all := documents(t, manifest(t, k))
		job := at(t, all[1], "metadata", "name").(string)
		if at(t, all[0], "metadata", "name") != job || at(t, all[2], "metadata", "name") != job+"-report" {
			t.Errorf("%s: names %v, %v, %v", what, at(t, all[0], "metadata", "name"), job, at(t, all[2], "metadata", "name"))
		}
		for _, longest := range []string{job + "-report", job + "-99999"} {
			if len(longest) > 63 || strings.Trim(longest, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(longest, "-") {
				t.Errorf("%s: %s is no DNS label", what, longest)
			}
		}
		if other, ok := seen[job]; ok {
			t.Errorf("%s has the name of %s: %s", what, other, job)
		}
		seen[job] = what
		return job
	}
	first := name("request", func(*Kubernetes) {})
	delete(seen, first)
	if again := name("the same request", func(*Kubernetes) {}); again != first {
		t.Errorf("the same request has the names %s and %s", first, again)
	}
	for what, change := range map[string]func(*Kubernetes){
		"capitals":   func(k *Kubernetes) { k.Experiment = "My_Experiment.v2" },
		"long":       func(k *Kubernetes) { k.Experiment = strings.Repeat("long-", 60) },
		"text":       func(k *Kubernetes) { k.Text = []byte("grid: [{variant: bn}]\n") },
		"image":      func(k *Kubernetes) { k.Image = "vaelab:2" },
		"tasks":      func(k *Kubernetes) { k.Tasks = 17 },
		"at once":    func(k *Kubernetes) { k.AtOnce = 0 },
		"processors": func(k *Kubernetes) { k.CPUs = 1 },
		"memory":     func(k *Kubernetes) { k.Memory = "3Gi" },
		"claim":      func(k *Kubernetes) { k.Claim = "other" },
		"results":    func(k *Kubernetes) { k.Results = "/data/other" },
	} {
		name(what, change)
	}
}

// TestKubernetesContract: the pods call the interface of vaelab run, and the rules know its exit codes.
func TestKubernetesContract(t *testing.T) {
	all := documents(t, manifest(t, request()))
	if len(all) != 3 {
		t.Fatalf("%d documents, want 3", len(all))
	}
	pod := at(t, all[1], "spec", "template", "spec")
	if got := strings.Join(texts(at(t, pod, "containers", 0, "args")), " "); got != "run /etc/vaelab/experiment.yaml --task $(JOB_COMPLETION_INDEX)/16 --out results" {
		t.Errorf("a task runs %s", got)
	}
	report := at(t, all[2], "spec", "template", "spec")
	if got := strings.Join(texts(at(t, report, "containers", 0, "args")), " "); got != "report results/kl-vanishing --experiment /etc/vaelab/experiment.yaml" {
		t.Errorf("the report runs %s", got)
	}
	var rules []string
	for _, r := range at(t, all[1], "spec", "podFailurePolicy", "rules").([]any) {
		rule := at(t, r, "action").(string)
		if on, ok := r.(map[string]any)["onExitCodes"]; ok {
			if at(t, on, "containerName") != at(t, pod, "containers", 0, "name") || at(t, on, "operator") != "In" {
				t.Errorf("rule %v", on)
			}
			rules = append(rules, rule+" "+strings.Join(texts(at(t, on, "values")), " "))
			continue
		}
		rules = append(rules, rule+" "+at(t, r, "onPodConditions", 0, "type").(string))
	}
	if got, want := strings.Join(rules, ", "), "Ignore DisruptionTarget, Ignore 130, FailIndex 2"; got != want {
		t.Errorf("rules %s, want %s", got, want)
	}
	image, err := os.ReadFile(filepath.Join("..", "..", "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range at(t, pod, "containers", 0, "volumeMounts").([]any) {
		if path := at(t, m, "mountPath"); bytes.Contains(image, []byte("\nCOPY vaelab "+path.(string)+"\n")) {
			t.Errorf("a volume hides the program of the image at %s", path)
		}
	}
	k := request()
	k.AtOnce = 0
	if got := at(t, documents(t, manifest(t, k))[1], "spec", "parallelism"); got != 16 {
		t.Errorf("without --at-once: parallelism %v, want 16", got)
	}
}

// texts are the elements of a list, each as text.
func texts(list any) (all []string) {
	for _, v := range list.([]any) {
		var b strings.Builder
		yaml.NewEncoder(&b).Encode(v)
		all = append(all, strings.Trim(strings.TrimSpace(b.String()), `'"`))
	}
	return all
}

// TestKubernetesRefused: each mistake is one line that names the flag.
func TestKubernetesRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*Kubernetes)
		want   string
	}{
		{func(k *Kubernetes) { k.Image = "" }, "--image"},
		{func(k *Kubernetes) { k.Image = "a b" }, "--image"},
		{func(k *Kubernetes) { k.Tasks = 0 }, "--tasks 0: must be 1 to 100000"},
		{func(k *Kubernetes) { k.Tasks = 100_001 }, "--tasks 100001"},
		{func(k *Kubernetes) { k.AtOnce = 17 }, "--at-once 17: must be 1 to 16"},
		{func(k *Kubernetes) { k.AtOnce = -1 }, "--at-once -1"},
		{func(k *Kubernetes) { k.CPUs = 0 }, "-j 0"},
		{func(k *Kubernetes) { k.Memory = "2 GB" }, "--memory"},
		{func(k *Kubernetes) { k.Memory = "0" }, "--memory"},
		{func(k *Kubernetes) { k.Claim = "My Claim" }, "--claim"},
		{func(k *Kubernetes) { k.Text = make([]byte, 1<<20+1) }, "a ConfigMap holds 1048576"},
	} {
		k := request()
		c.change(&k)
		_, err := k.Manifest()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want a line with %q", err, c.want)
		}
	}
}

// TestKeep: a pod that trains is told what to keep, if that is not the default.
func TestKeep(t *testing.T) {
	k := request()
	plain := manifest(t, k)
	k.Keep = "none"
	if with := manifest(t, k); bytes.Contains(plain, []byte("--keep")) || !bytes.Contains(with, []byte(`"--out", "results", "--keep", "none"]`)) {
		t.Errorf("got\n%s", with)
	}
}
