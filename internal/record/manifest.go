package record

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// A Manifest says where and with what a trial ran: what its rows are byte-equal within. It is
// manifest.json, which the runner writes. Its zero value stands for a trial without one.
type Manifest struct {
	Version   string `json:"version"` // of the program
	Go        string `json:"go"`
	OS        string `json:"os"`
	Arch      string `json:"arch"`
	GOAMD64   string `json:"goamd64,omitempty"`
	CPU       string `json:"cpu,omitempty"` // model of the processor; empty if the system does not name it
	Precision string `json:"precision"`     // "float32"
	Kernel    string `json:"kernel"`        // "avx512"
	Procs     int    `json:"gomaxprocs"`

	Revision        string `json:"revision,omitempty"`         // of the program's source, as git names it
	Modified        string `json:"modified,omitempty"`         // "true" if that source had changes that no revision has
	RevisionUnknown string `json:"revision_unknown,omitempty"` // why there is no Revision

	Data     string   `json:"data"` // name and digest
	Warnings []string `json:"data_warnings,omitempty"`

	Kept string `json:"kept,omitempty"` // "none" if the finished trial has no weights, by --keep none

	// What follows is of the process that finished the trial, and 0 if none did. If that process resumed a
	// checkpoint, both times are of its part alone: work after the last checkpoint is done twice, so
	// that no sum of parts is the cost of the trial.

	Started string  `json:"started"`           // RFC 3339, UTC
	Seconds float64 `json:"seconds,omitempty"` // wall clock from there to the end
	// CPUSeconds is the CPU time in that span: user and system time of all threads of the process, divided
	// equally among the trials that ran side by side. Their sum is exact; each is as exact as
	// they keep their processors equally busy. 0 if the system does not say.
	CPUSeconds float64 `json:"cpu_seconds,omitempty"`
	// PeakMemory is the largest resident memory of the process from its start to the end of the trial, in bytes.
	// Trials side by side share it, and one after another takes it over. 0 if the system does not say.
	PeakMemory int64 `json:"peak_memory_bytes,omitempty"`
	Resumed    bool  `json:"resumed,omitempty"` // the process resumed a checkpoint
}

// Class returns what the last digits of a trial's results depend on beside settings and seed: the architecture, the
// precision and the class of kernels. AVX2, AVX-512 and AVX512_BF16 give the same bytes and are one class. It is empty for
// a trial without a manifest.
func (m Manifest) Class() string {
	if m.Kernel == "" {
		return ""
	}
	kernel, level := m.Kernel, ""
	if strings.HasPrefix(kernel, "avx512") || strings.HasPrefix(kernel, "avx2") { // package kernel calls it avx2+fma
		kernel = "avx2 or avx512"
	}
	if m.GOAMD64 >= "v3" { // from there on the compiler fuses products and sums
		level = " v3"
	}
	return fmt.Sprintf("%s%s %s %s", m.Arch, level, m.Precision, kernel)
}

// Save writes manifest.json into a trial's folder.
func (m Manifest) Save(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return WriteFileAtomic(filepath.Join(dir, ManifestFile), append(text, '\n'))
}
