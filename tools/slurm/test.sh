#!/usr/bin/env bash
# Tests vaelab on a real Slurm that it starts and ends (up.sh, down.sh). Usage, from anywhere:
#     tools/slurm/test.sh [SCENARIO...]        all scenarios by default; their names are the functions below
# Each prints "ok NAME (s)" or "FAILED NAME: what"; then the logs stay in DIR (cluster.sh). The exit code is 1 if one failed.
# Where Slurm cannot be started, because that wants root and apt, it prints SKIPPED and the reason, and exits with 0. With
# SLURM_OPTIONAL=1 it does so, too, where Slurm does not start for another reason.
set -uo pipefail
TOOLS=$(cd "$(dirname "$0")" && pwd)
. "$TOOLS/cluster.sh"

# Scenarios. Each runs in a folder of its own, where it finds the experiments, and stops at the first command that fails.

# Four tasks train all trials, three at a time; the report starts when the last has ended.
array_and_report() {
  submit small --tasks 4 --at-once 3 --
  local array report ended started
  array=$(job small array) report=$(job small report)
  grep -x '#SBATCH --array=0-3%3' results/small/submit/1/job.sh
  job_ends "$report"
  for task in 0 1 2 3; do is COMPLETED "$(field "${array}_$task" JobState)"; done
  is COMPLETED "$(field "$report" JobState)"
  started=$(date -d "$(field "$report" StartTime)" +%s)
  for task in 0 1 2 3; do
    ended=$(date -d "$(field "${array}_$task" EndTime)" +%s)
    ((started >= ended)) || fail "the report started before task $task ended"
  done
  as_plain small 4
  cmp {,"$PLAIN/"}results/small/kl-curve.csv || fail "the figure differs from that of a plain run"
  tidy small
}

# USR1 makes a trial save a checkpoint and requeue its own task; the second start goes on.
usr1_requeues() {
  submit long --tasks 1 --
  local task
  task=$(job long array)_0
  trains "$task"
  scancel --signal=USR1 --batch "$task"
  wait_for 60 restarted "$task" 1 || fail "it is not requeued"
  went_on "$task" 1
}

# The same when the time limit is near: of 2 minutes there are 90 s left, the time in job.sh's --signal=B:USR1@90, after 30 s.
# Slurm looks every 30 s. Sixteen trials on one processor take longer than that. With 1 minute the signal would come before
# anything is trained, and a task to which that happens is not queued again.
time_limit() {
  submit long --seeds 16 --tasks 1 -- -c 1 -t 2
  local task
  task=$(job long array)_0
  wait_for 120 restarted "$task" 1 || fail "it is not requeued"
  scontrol update "JobId=$task" TimeLimit=30 # once is enough
  went_on "$task" 16
}

# A job of a partition with a higher priority takes the node: the trial gets TERM, saves a checkpoint and leaves requeuing to
# Slurm.
preempted() {
  submit long --tasks 1 --
  local task urgent
  task=$(job long array)_0
  trains "$task"
  urgent=$(sbatch --parsable -p urgent -w "$(field "$task" BatchHost)" --exclusive -o urgent.log --wrap 'sleep 1')
  job_ends "$urgent"
  is COMPLETED "$(field "$urgent" JobState)"
  wait_for 60 restarted "$task" 1 || fail "it is not requeued"
  went_on "$task" 1
  is 1 "$(field "$task" Restarts)"
}

# A node dies: slurmd, slurmstepd and the trial get SIGKILL at once. Slurm requeues the task on the other node, where the trial
# goes on from its checkpoint, here one by USR1.
node_dies() {
  submit long --tasks 1 --
  local task node
  task=$(job long array)_0
  trains "$task"
  scancel --signal=USR1 --batch "$task"
  trains "$task" 2
  node=$(field "$task" BatchHost)
  kill_node "$node"
  wait_for 120 restarted "$task" 2 || fail "it is not requeued"
  went_on "$task" 1
  [ "$(field "$task" BatchHost)" != "$node" ] || fail "it ran on $node again, which is dead"
}

# Only slurmd dies, and the trial goes on. Slurm takes the node for dead and starts the task on the other node too. That start
# has a higher restart count, so it takes the trial over at once. The first process notices at its next heartbeat (30 s), or
# before it publishes anything, and stops. So one trial is begun twice, but each is finished once.
slurmd_dies() {
  submit long --seeds 12 --tasks 1 -- -c 1
  local task node first taken
  task=$(job long array)_0
  trains "$task"
  node=$(field "$task" BatchHost)
  first=$(trials_on "$node")
  is 1 "$(wc -w <<<"$first")"
  kill -KILL "$(slurmd_of "$node")"
  wait_for 120 restarted "$task" 1 || fail "it is not requeued"
  wait_for 60 taken_over long || fail "no trial is taken over"
  taken=$SECONDS
  ! gone "$first" || fail "the first process ended too early for this test"
  wait_for 60 gone "$first" || fail "two processes train the same trial for more than 60 s"
  echo "measured: the first process stopped $((SECONDS - taken)) s after its trial was taken over"
  job_ends "$task"
  is COMPLETED "$(field "$task" JobState)"
  is 1 "$(grep -c 'this process stops' "$(log_of long)")"
  finished_once 12 "$(log_of long)"
  as_plain long 12 --seeds 12
  tidy long
}

# A cancelled task saves a checkpoint, ends with 130 and is not queued again. A later run goes on.
cancelled() {
  submit long --tasks 1 --
  local task
  task=$(job long array)_0
  trains "$task"
  scancel "$task"
  job_ends "$task"
  is CANCELLED "$(field "$task" JobState)"
  is 130:0 "$(field "$task" ExitCode)"
  is 0 "$(field "$task" Restarts)"
  sleep 7 # a requeued job would be in the queue by now
  is "" "$(squeue -h -j "${task%_*}" 2>&1)"
  compgen -G 'results/long/*/seed-1/last.*.safetensors' || fail "there is no checkpoint"
  ! compgen -G 'results/long/*/seed-1/DONE' || fail "the trial ended before it was cancelled"
  $VAELAB run long.yaml --out results
  resumed long
  as_plain long 1
  tidy long
}

# One of three trials diverges: its task alone fails, and the report, which names it, follows.
failing_index() {
  submit failing --tasks 3 --
  local array report states=
  array=$(job failing array) report=$(job failing report)
  job_ends "$report"
  for task in 0 1 2; do states="$states$(field "${array}_$task" JobState) $(field "${array}_$task" ExitCode)
"; done
  is "COMPLETED 0:0
COMPLETED 0:0
FAILED 1:0" "$(sort <<<"${states%?}")"
  grep -rh 'failed after .*: training diverged' results/failing/submit/1/log || fail "no log says that the trial diverged"
  $VAELAB status results/failing | grep -E '^failed +vanilla-[0-9a-f]+/seed-1 .*training diverged' || fail "vaelab status does not name it"
  grep 'training diverged' results/failing/report.md || fail "the report does not name it"
  as_plain failing 2
}

# A second submission queues nothing while the first waits, runs or is done; and only the new seed of two.
double_submit() {
  submit small --tasks 2 -- --hold
  local before
  before=$(squeue -h -r -o %i | sort)
  submit small --tasks 2 --
  is "$before" "$(squeue -h -r -o %i | sort)"
  scontrol release "$(job small array)" # the report is not held
  job_ends "$(job small report)"
  submit small --tasks 2 --
  is "" "$(squeue -h)"
  as_plain small 4
  submit small --seeds 3 --tasks 2 --
  is 2 "$(tail -n +2 results/small/submit/2/tasks.csv | wc -l)" # the third seed of two variants
  job_ends "$(job small report 2)"
  as_plain small 6 --seeds 3
}

# Eight processes claim each of fifty folders at a time: just one gets it. Then eight jobs, all with the same task, train fifty
# trials: each is trained once.
raced_claims() {
  (cd "$TOOLS/../.." && go test ./internal/owner -run '^TestRace' -count=1)
  local jobs
  jobs=$(sbatch --parsable --array=0-7 -o race-%a.log --wrap "exec $VAELAB run many.yaml --out results --task 0/1")
  job_ends "$jobs"
  for task in 0 1 2 3 4 5 6 7; do
    case "$(field "${jobs}_$task" ExitCode)" in
      0:0 | 130:0) ;; # 130: the last trials were still another's
      *) fail "job $task of the race ended with $(field "${jobs}_$task" ExitCode)" ;;
    esac
  done
  finished_once 50 race-*.log
  as_plain many 50
  tidy many
  echo "measured: a process found a trial held by another $(cat race-*.log | grep -c ': held by ') times"
}

# A trial begun with other kernels is trained anew, and its log says so.
kernel_class() {
  [ "$($VAELAB version)" != "$(VAELAB_KERNEL=generic $VAELAB version)" ] || skip "this processor has no kernels of its own"
  VAELAB_KERNEL=generic submit long --tasks 1 --
  local task
  task=$(job long array)_0
  trains "$task"
  scancel "$task"
  job_ends "$task"
  submit long --tasks 1 --
  task=$(job long array 2)_0
  job_ends "$task"
  is COMPLETED "$(field "$task" JobState)"
  grep 'the class of kernels must be .* the trial is trained from the start' "$(log_of long 2)" || fail "no log says that the trial is trained anew"
  as_plain long 1
  tidy long
}

# MaxArraySize is 8 here, so 20 tasks are three arrays; the report waits for all of them.
array_is_split() {
  submit many --tasks 20 --at-once 4 --
  local arrays
  arrays=$(job many array)
  is 3 "$(wc -w <<<"$arrays")"
  job_ends "$(job many report)"
  for array in $arrays; do is "" "$(squeue -h -j "$array")"; done
  as_plain many 50
  tidy many
}

# What is queued does not change with the experiment's file or the program.
frozen() {
  cp "$VAELAB" program
  VAELAB=$PWD/program submit small --tasks 2 -- --hold
  echo 'this: is no experiment any more' >small.yaml
  printf '#!/bin/sh\nexit 1\n' >rebuilt && chmod +x rebuilt && mv rebuilt program
  scontrol release "$(job small array)" # the report is not held
  job_ends "$(job small report)"
  cp "$TOOLS/small.yaml" .
  as_plain small 4
}

# sbatch's own words about an unknown partition come once, nothing is queued, and the next submission is not hindered.
unknown_partition() {
  local code=0
  submit small --tasks 2 -- -p nowhere 2>said || code=$?
  cat said
  [ $code != 0 ] || fail "submit succeeded"
  is 1 "$(grep -c 'invalid partition specified: nowhere' said)"
  is "" "$(squeue -h)"
  ! compgen -G 'results/small/submit/*' || fail "the refused submission has left files"
  submit small --tasks 2 --
  job_ends "$(job small report)"
  as_plain small 4
}

SCENARIOS=(array_and_report usr1_requeues failing_index raced_claims time_limit preempted node_dies slurmd_dies cancelled
  double_submit kernel_class array_is_split frozen unknown_partition)

# What scenarios are written with.

fail() { echo "$*" >failed; exit 1; }
skip() { echo "$*" >skipped; exit 0; }

is() { [ "$1" = "$2" ] || fail "${FUNCNAME[1]}, line ${BASH_LINENO[0]}: got \"$2\", want \"$1\""; } # WANT GOT

submit() { # EXPERIMENT FLAGS -- SBATCH ARGUMENTS
  local experiment=$1
  shift
  $VAELAB submit "$experiment.yaml" --slurm --out results "$@"
}

# job EXPERIMENT array|report [K] prints the ids of these jobs of the K-th submission, by default of the first.
job() { awk -F, -v what="$2" '$4 == what { print $1 }' "results/$1/submit/${3:-1}/jobs.csv"; }

# log_of EXPERIMENT [K] names the log of its first task.
log_of() { echo "results/$1/submit/${2:-1}/log/$(job "$1" array "${2:-1}")_0.out"; }

# field JOB NAME prints what scontrol says of a job.
field() { scontrol show job -o "$1" | grep -oE " $2=[^ ]*" | cut -d = -f 2-; }

restarted() { [ "$(field "$1" Restarts)" -ge "$2" ]; } # JOB N

not_queued() { local left && left=$(squeue -h -j "$1") && [ -z "$left" ]; }
job_ends() { wait_for 600 not_queued "$1" || fail "job $1 has not ended after 600 s"; }

# trains JOB [K] waits until the K-th owner of a trial, by default the first, has written rows.
trains() {
  wait_for 60 compgen -G "results/*/*/seed-*/claim.${2:-1}" || fail "no trial has an owner"
  wait_for 60 has_rows "${2:-1}" || fail "no trial has rows"
  is RUNNING "$(field "$1" JobState)"
}
has_rows() { find results -name "rows.$1.jsonl" -size +8k | grep -q .; }

taken_over() { compgen -G "results/$1/*/seed-*/claim.2"; } # EXPERIMENT

# resumed EXPERIMENT: a trial's manifest says that it went on from a checkpoint.
resumed() { grep -l '"resumed": true' results/"$1"/*/seed-*/manifest.json || fail "no trial was resumed from its checkpoint"; }

# went_on JOB N: the task of long.yaml ends well, after it resumed one of its trials; with N seeds they are those of a plain run.
went_on() {
  job_ends "$1"
  is COMPLETED "$(field "$1" JobState)"
  resumed long
  as_plain long "$2" --seeds "$2"
  tidy long
}

# as_plain EXPERIMENT N FLAGS: N trials are done, and their rows and weights are the bytes of a plain run with these flags.
as_plain() {
  local name=$1 want=$2 trial file count=0
  shift 2
  mkdir -p "$PLAIN"
  cp "$TOOLS/$name.yaml" "$PLAIN"
  (cd "$PLAIN" && $VAELAB run "$name.yaml" --quiet "$@") || true # a trial of failing.yaml fails
  for trial in "results/$name"/*/seed-*/DONE; do
    trial=${trial%/DONE}
    for file in "$trial"/{rows.jsonl,model.safetensors}; do
      cmp "$file" "$PLAIN/$file" || fail "$file differs from that of a plain run"
    done
    count=$((count + 1))
  done
  is "$want" "$count"
}

# finished_once N LOG...: the logs say of N trials that they are done, of each once.
finished_once() {
  local want=$1 ended
  shift
  ended=$(grep -ohE '[^ ]+/seed-[0-9]+: done in' "$@")
  is "$want" "$(wc -l <<<"$ended")"
  is "" "$(sort <<<"$ended" | uniq -d)"
}

# tidy EXPERIMENT: nothing but results is left in the trials' folders: no claim, no checkpoint, no rows of an overtaken process.
tidy() {
  local left
  left=$(find "results/$1"/*/seed-* -type f | grep -vE '/(trial.json|manifest.json|rows.jsonl|model.safetensors|vocab.txt|DONE)$') || true
  is "" "$left"
}

# run_scenario NAME runs a scenario in a subshell of its own, because bash ignores set -e where the exit code is used.
run_scenario() {
  local name=$1 start=$SECONDS
  mkdir -p "$DIR/tests/$name"
  cp "$TOOLS"/*.yaml "$DIR/tests/$name"
  (
    cd "$DIR/tests/$name"
    exec >log 2>&1
    PS4='+ $SECONDS s: '
    set -eEx
    trap '[ -s failed ] || echo "line $LINENO: $BASH_COMMAND" >failed' ERR
    "$name"
  )
  local code=$?
  cd "$DIR/tests/$name"
  grep -h '^measured: ' log | sed "s/^measured:/$name:/"
  if [ -s skipped ]; then
    echo "SKIPPED $name: $(cat skipped)"
  elif [ $code = 0 ]; then
    echo "ok $name ($((SECONDS - start)) s)"
  else
    echo "FAILED $name: $(cat failed 2>/dev/null)"
    failed="$failed $name"
  fi
  # What a scenario left must not disturb the next.
  scancel --full --user root
  wait_for 30 no_jobs
  for node in "${NODES[@]}"; do [ -n "$(slurmd_of "$node")" ] || { kill_node "$node"; start_node "$node" 9>&-; }; done
  wait_for 60 idle 2 || echo "the nodes are not idle"
}

for name; do
  case " ${SCENARIOS[*]} " in *" $name "*) ;; *) echo "no scenario $name; known: ${SCENARIOS[*]}" >&2; exit 2 ;; esac
done
[ $# -gt 0 ] || set -- "${SCENARIOS[@]}"

# One at a time. Daemons do not inherit the lock, so what lies in DIR is left from a run that was killed.
exec 9<"$(dirname "$DIR")"
flock 9
"$TOOLS/down.sh" 9>&-

start=$SECONDS
failed=start
trap 'KEEP=${failed:+1} "$TOOLS/down.sh" 9>&-' EXIT
why=$("$TOOLS/up.sh" 2>&1 9>&-)
case $? in
  0) echo "$why" ;;
  3) echo "SKIPPED tests on a real Slurm: $(tail -n 1 <<<"$why")"; failed=; exit 0 ;;
  *)
    [ -n "${SLURM_OPTIONAL:-}" ] || { echo "FAILED to start Slurm: $why"; exit 1; }
    echo "SKIPPED tests on a real Slurm, which does not start here: $why"
    failed=
    exit 0
    ;;
esac
failed=
PLAIN=$DIR/plain
VAELAB=$DIR/vaelab
make --silent -C "$TOOLS/../.." build BINARY="$VAELAB" || exit 1
for name; do run_scenario "$name"; done
[ -z "$failed" ] || { echo "FAILED:$failed; the logs are in $DIR/tests"; exit 1; }
echo "all passed ($((SECONDS - start)) s)"
