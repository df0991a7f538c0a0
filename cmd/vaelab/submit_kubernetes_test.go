package main

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestSubmitKubernetes: what the pods of a manifest call trains the experiment, as it was when the manifest was written.
func TestSubmitKubernetes(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: [vanilla, bn, ln]}]\nseeds: 2\nfigures: [kl-curve]\n")
	r := succeeds(t, "submit", "tiny.yaml", "--k8s", "--image", "vaelab:1", "--tasks", "4", "--set", "train.epochs=1", "--print")
	write(t, "tiny.yaml", "changed")
	var config struct{ Data map[string]string }
	type job struct {
		Spec struct {
			Completions int
			Template    struct {
				Spec struct{ Containers []struct{ Args []string } }
			}
		}
	}
	var train, report job
	for dec, i := yaml.NewDecoder(strings.NewReader(r.out)), 0; i < 3; i++ {
		if err := dec.Decode([]any{&config, &train, &report}[i]); err != nil {
			t.Fatalf("%v in\n%s", err, r.out)
		}
	}
	write(t, "experiment.yaml", config.Data["experiment.yaml"])
	call := func(j job, index int) {
		t.Helper()
		args := strings.Join(j.Spec.Template.Spec.Containers[0].Args, " ")
		args = strings.NewReplacer("$(JOB_COMPLETION_INDEX)", fmt.Sprint(index), "/etc/vaelab/", "").Replace(args)
		succeeds(t, strings.Fields(args)...)
	}
	if train.Spec.Completions != 4 {
		t.Errorf("%d tasks", train.Spec.Completions)
	}
	for i := range train.Spec.Completions {
		call(train, i)
	}
	call(report, 0)
	if got := len(trials(t, "results")); got != 6 {
		t.Errorf("the tasks train %d of 6 trials", got)
	}
	has(t, "report", read(t, "results/tiny/report.md"), "kl-curve")
}

// TestSubmitKubernetesRefused: each mistake is one line on what to do instead.
func TestSubmitKubernetesRefused(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}]\nseeds: 2\n", "my.yaml", "base:\n  data: {text: {train: train.txt}}\n", "train.txt", corpus())
	for given, want := range map[string]string{
		"tiny.yaml --k8s --image a":                                "add --print | kubectl create -f -",
		"tiny.yaml --k8s --print":                                  "--image \"\": must be the name of an image",
		"tiny.yaml --k8s --slurm --print":                          "--slurm and --k8s exclude each other; leave one of them out",
		"tiny.yaml --slurm --print --image a --memory 1Gi":         "--image, --memory: is for --k8s",
		"tiny.yaml --k8s --image a --print -- -p cpu":              "arguments behind -- are for sbatch",
		"tiny.yaml --k8s --image a --print --tasks 3":              "--tasks 3: must be 1 to 2, the number of trials",
		"tiny.yaml --k8s --image a --print --at-once 3":            "--at-once 3: must be 1 to 2",
		"tiny.yaml --k8s --image a --print -j 0":                   "-j 0: must be at least 1",
		"my.yaml --k8s --image a --print":                          "my.yaml:2:24: data.text.train: train.txt is relative; must be the absolute path where the tasks run, such as --set data.text.train=/data/train.txt",
		"my.yaml --k8s --image a --print --set data.text.valid=v.": "my.yaml:2:24: data.text.train: train.txt is relative",
	} {
		r := vaelab(t, append([]string{"submit"}, strings.Fields(given)...)...)
		if r.code != exitUsage || !strings.Contains(r.err, want) || r.out != "" {
			t.Errorf("%s: exit code %d\n%s%s", given, r.code, r.out, r.err)
		}
	}
	r := succeeds(t, "submit", "my.yaml", "--k8s", "--image", "a", "--print", "--set", "data.text.train=/nowhere/train.txt")
	has(t, "manifest", r.out, "/nowhere/train.txt")
}
