package owner

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"time"

	"vaelab/internal/host"
)

// A Process says who claims a folder. Its JSON is the first line of a claim.
type Process struct {
	Host   string `json:"host"`
	System string `json:"system,omitempty"` // the running system and its process numbers, see host.System; empty if not known
	PID    int    `json:"pid"`
	Born   string `json:"born,omitempty"` // when the process started, as the system counts; two processes of one PID differ

	// Job is the batch system's name for the task, which stays when the task is started again; Restarts is how often it was.
	Job      string `json:"job,omitempty"`
	Cluster  string `json:"cluster,omitempty"`
	Restarts int    `json:"restarts,omitempty"`

	HeartbeatSeconds float64 `json:"heartbeat_seconds"`
	Nonce            string  `json:"nonce"` // a random number of the claim
}

// This is the process that runs, with a heartbeat of its own. Under Slurm it names the job.
func This(heartbeat time.Duration) Process {
	p := Process{PID: os.Getpid(), System: host.System(), Born: born(os.Getpid()), HeartbeatSeconds: heartbeat.Seconds()}
	p.Host, _ = os.Hostname()
	if p.Job = SlurmTask(); p.Job != "" {
		p.Host = cmp.Or(os.Getenv("SLURMD_NODENAME"), p.Host)
		p.Cluster = os.Getenv("SLURM_CLUSTER_NAME")
		p.Restarts, _ = strconv.Atoi(os.Getenv("SLURM_RESTART_COUNT")) // 0 if there was none
	}
	return p
}

// SlurmTask is Slurm's name for the task that this process is, as scontrol takes it: "12_3" in an array, else "12". It
// is empty outside Slurm. In the last task of an array the number in SLURM_JOB_ID is that of the whole array.
func SlurmTask() string {
	if array, task := os.Getenv("SLURM_ARRAY_JOB_ID"), os.Getenv("SLURM_ARRAY_TASK_ID"); array != "" && task != "" {
		return array + "_" + task
	}
	return os.Getenv("SLURM_JOB_ID")
}

// String is "n1, job 12_3" or "n1, process 123".
func (p Process) String() string {
	switch {
	case p == Process{}:
		return "an unknown process"
	case p.Job != "":
		return fmt.Sprintf("%s, job %s", p.Host, p.Job)
	}
	return fmt.Sprintf("%s, process %d", p.Host, p.PID)
}

// heartbeat is the time between two heartbeats of the process; the usual one if it does not say, or nothing sensible.
func (p Process) heartbeat() time.Duration {
	const day = 24 * time.Hour
	if !(p.HeartbeatSeconds > 0 && p.HeartbeatSeconds < day.Seconds()) {
		return Heartbeat
	}
	return time.Duration(p.HeartbeatSeconds * float64(time.Second))
}

// here tells whether the process runs, or ran, where this one does, so that its PID can be looked up.
func (p Process) here(me Process) bool { return p.System != "" && p.System == me.System }

// Gone tells whether the process is known to have ended: it ran on this system and runs no more.
func (p Process) Gone() bool { return p.here(Process{System: host.System()}) && born(p.PID) != p.Born }

// Before tells whether the process is an earlier start of the batch system's task that other is a start of.
func (p Process) Before(other Process) bool {
	return p.Job != "" && p.Job == other.Job && p.Cluster == other.Cluster && p.Restarts < other.Restarts
}
