#!/usr/bin/env bash
# Ends what up.sh started, and removes DIR (KEEP=1: all but the state of Slurm, so that logs can be read).
set -uo pipefail
. "$(dirname "$0")/cluster.sh"
[ -w "$DIR" ] || exit 0 # nothing is there, or it is not ours

end() { # PROGRAM, PID FILE: if the process of that number is that program
  local pid
  pid=$(cat "$2" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] || return 0
  kill "$pid"
  wait_for 15 gone "$pid" || kill -KILL "$pid"
}

if [ -s "$DIR/state/slurmctld.pid" ]; then
  timeout 10 scancel --full --user root
  wait_for 20 no_jobs || echo "jobs remain; they are killed with their nodes" >&2
fi
for node in "${NODES[@]}"; do kill_node "$node"; done
end slurmctld "$DIR/state/slurmctld.pid"
end munged "$DIR/munge/munged.pid"
if grep -q "$HOSTS_MARK" /etc/hosts; then
  grep -v "$HOSTS_MARK" /etc/hosts >"$DIR/hosts"
  cat "$DIR/hosts" >/etc/hosts
fi
if [ -n "${KEEP:-}" ]; then rm -rf "$DIR"/{munge,state,spool,env}; else rm -rf "$DIR"; fi
