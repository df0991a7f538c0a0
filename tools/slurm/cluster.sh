# Sourced by up.sh, down.sh and test.sh: where the test cluster lies, and how its nodes start and die.
# shellcheck shell=bash disable=SC2034 # some are used by the others only

DIR=${DIR:-${TMPDIR:-/tmp}/vaelab-test-slurm} # everything that the cluster writes
PORT=${PORT:-18000}                           # slurmctld listens at PORT+1, node nK at PORT+10+K, on loopback only
export SLURM_CONF=$DIR/slurm.conf
NODES=(n1 n2)
HOSTS_MARK="# vaelab tools/slurm" # ends the line that up.sh may add to /etc/hosts

# wait_for SECONDS COMMAND... tries a command five times a second until it succeeds.
wait_for() {
  { local - && set +x; } 2>/dev/null # one line in a trace
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# gone PID... succeeds if none of the processes runs. A zombie does not run.
gone() {
  local pid
  for pid; do
    ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$pid/status" || return 1
  done
}

# idle N succeeds if N nodes are idle.
idle() { [ "$(sinfo -h -p work -t idle -o %D 2>/dev/null)" = "$1" ]; }

# no_jobs succeeds if no job waits or runs.
no_jobs() { [ -z "$(timeout 5 squeue -h 2>/dev/null)" ]; }

# processes NODE prints the pids of what runs on a node, except slurmstepd: slurmd and the batch scripts have these
# variables in their environment, but slurmstepd overwrites its own.
processes() {
  local file
  for file in $(grep -lzxF "SLURMD_NODENAME=$1" /proc/[0-9]*/environ 2>/dev/null); do
    ! grep -qszxF "SLURM_CONF=$SLURM_CONF" "$file" || basename "${file%/environ}"
  done
}

# slurmd_of NODE prints the pid of the node's slurmd.
slurmd_of() {
  local pid
  for pid in $(processes "$1"); do
    ! grep -qs '^slurmd' "/proc/$pid/comm" || echo "$pid"
  done
}

# trials_on NODE prints the pids of vaelab on the node.
trials_on() {
  local pid
  for pid in $(processes "$1"); do
    ! grep -qsx vaelab "/proc/$pid/comm" || echo "$pid"
  done
}

# parent PID prints the parent of a process.
parent() { awk '$1 == "PPid:" { print $2 }' "/proc/$1/status"; }

# start_node NODE starts its slurmd, where possible in a PID namespace of its own: then a process on one node sees none
# of another node, as on two machines. bash is the namespace's first process, because it reaps orphans and slurmd does not.
start_node() {
  local isolate=()
  ! unshare --fork --pid --mount-proc --kill-child true 2>/dev/null || isolate=(unshare --fork --pid --mount-proc --kill-child)
  mkdir -p "$DIR/spool/$1"
  SLURMD_NODENAME=$1 setsid "${isolate[@]}" bash -c 'slurmd -N "$0"; while :; do sleep 3600; done' "$1" \
    </dev/null >>"$DIR/log/$1.out" 2>&1 &
  disown
}

# kill_node NODE ends slurmd, slurmstepd and batch scripts of a node at once by SIGKILL, as a loss of power does.
kill_node() {
  local pids pid stepd
  pids=$(processes "$1")
  for pid in $pids; do # slurmstepd is the parent of a batch script
    stepd=$(parent "$pid" 2>/dev/null) || continue
    ! grep -qs '^slurmstepd' "/proc/$stepd/comm" || pids="$pids $stepd"
  done
  # shellcheck disable=SC2086
  kill -KILL $pids 2>/dev/null
  # shellcheck disable=SC2086
  wait_for 10 gone $pids
}
