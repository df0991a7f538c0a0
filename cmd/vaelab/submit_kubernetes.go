package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vaelab/internal/submit"
)

// A pods holds the flags that say how an experiment becomes a Job of Kubernetes.
type pods struct {
	on                   bool
	image, claim, memory string
	cpus                 int
}

func (p *pods) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&p.on, "k8s", false, "show the manifest of a Kubernetes Job; needs --print")
	f.StringVar(&p.image, "image", "", "with --k8s: the container `image`, whose entrypoint is vaelab (see Containerfile)")
	f.StringVar(&p.claim, "claim", "vaelab", "with --k8s: the `name` of the PersistentVolumeClaim with data and results, mounted at "+submit.Mount)
	f.StringVar(&p.memory, "memory", "2Gi", "with --k8s: memory of a pod, as an `amount` of Kubernetes")
	f.IntVarP(&p.cpus, "parallel", "j", 1, "with --k8s: processors of a pod, and `trials` that it trains side by side")
}

// given are the flags on the command line that only --k8s has.
func (p *pods) given(cmd *cobra.Command) (names []string) {
	for _, name := range []string{"image", "claim", "memory", "parallel"} {
		if cmd.Flags().Changed(name) {
			names = append(names, "--"+name)
		}
	}
	return names
}

// toKubernetes prints the manifest of an experiment. Its data are those of the cluster, so they are not read here.
func (s submission) toKubernetes(cmd *cobra.Command, c choice, name string) error {
	if !s.print {
		return usageError{errors.New("--k8s: vaelab writes the manifest, and kubectl creates the Job; add --print | kubectl create -f -")}
	}
	e, err := c.read(cmd.ErrOrStderr(), name)
	if err != nil {
		return err
	}
	if err := e.Absolute(submit.Mount); err != nil {
		return err
	}
	if s.tasks > len(e.Trials) {
		return usageError{fmt.Errorf("--tasks %d: must be 1 to %d, the number of trials", s.tasks, len(e.Trials))}
	}
	if s.tasks == 0 {
		s.tasks = submit.DefaultTasks(len(e.Trials))
	}
	text, err := e.Freeze()
	if err != nil {
		return err
	}
	manifest, err := submit.Kubernetes{
		Experiment: e.Name, Text: text, Image: s.pods.image, Claim: s.pods.claim, Results: c.out,
		Tasks: s.tasks, AtOnce: s.atOnce, CPUs: s.pods.cpus, Memory: s.pods.memory, Keep: s.kept(),
	}.Manifest()
	if err != nil {
		return usageError{err}
	}
	_, err = cmd.OutOrStdout().Write(manifest)
	return err
}
