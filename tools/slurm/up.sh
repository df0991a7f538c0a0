#!/usr/bin/env bash
# Starts a real Slurm on this one machine, for tests: munged, slurmctld and two nodes with four processors each. Wants root, as
# in a container, and apt for packages that are missing. It listens on loopback only. Everything it writes lies in DIR
# (cluster.sh), except the packages, which stay, and perhaps a line of /etc/hosts, which down.sh removes. Afterwards:
#     . $DIR/env && sinfo
# Exit code 3: this machine lacks what is needed; the last line says what.
set -euo pipefail
. "$(dirname "$0")/cluster.sh"

missing() {
  echo "$*" >&2
  exit 3
}

install() { # PACKAGES
  # The packages' own daemons must not start.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  local apt="apt-get -qq -o DPkg::Lock::Timeout=300"
  { $apt update; $apt install -y --no-install-recommends "$@"; } >"$DIR/log/apt.log" 2>&1 ||
    { tail -n 3 "$DIR/log/apt.log" >&2; missing "apt cannot install: $*"; }
}

[ "$(id -u)" = 0 ] || missing "not root"
command -v apt-get dpkg-query >/dev/null || missing "no apt"
[ ! -e "$DIR" ] || { echo "$DIR exists; run tools/slurm/down.sh first" >&2; exit 1; }
mkdir -p "$DIR"/{munge,state,log,spool}
chmod 755 "$DIR"
chmod 711 "$DIR/munge"

want=
for package in slurmctld slurmd slurm-client munge; do
  dpkg-query -W -f '${Status}\n' $package 2>/dev/null | grep -q 'ok installed' || want="$want $package"
done
# shellcheck disable=SC2086
[ -z "$want" ] || install $want

# Slurm listens at the address of this name.
host=$(hostname -s)
if ! getent ahostsv4 "$host" | head -n 1 | grep -q '^127\.'; then
  cp /etc/hosts "$DIR/hosts" # not renamed over it: in a container it is a mount
  { echo "127.0.0.1 $host $HOSTS_MARK"; cat "$DIR/hosts"; } >/etc/hosts
fi

# Times are short, so that a test sees in seconds what takes minutes elsewhere: SlurmdTimeout (300 s by default) is when a silent
# node counts as dead, KillWait (30 s) the time from SIGTERM to SIGKILL, cred_expire (120 s) the least time before a requeued job
# starts. MaxArraySize (1001) is one more than the largest index of an array. Without a GraceTime a preempted job ends at once.
cat >"$SLURM_CONF" <<C
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$((PORT + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$DIR/munge/socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$DIR/state
SlurmctldPidFile=$DIR/state/slurmctld.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdPidFile=$DIR/spool/%n.pid
SlurmdSpoolDir=$DIR/spool/%n
SlurmdLogFile=$DIR/log/%n.log
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
SlurmdTimeout=10
KillWait=10
MaxArraySize=8
MinJobAge=3600
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((PORT + 11))-$((PORT + 12))] CPUs=4 RealMemory=4000
PartitionName=work Nodes=ALL Default=YES PriorityTier=1
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF
C
echo "export SLURM_CONF=$(printf %q "$SLURM_CONF")" >"$DIR/env"

(umask 077; head -c 1024 /dev/urandom >"$DIR/munge/key")
munged --origin=127.0.0.1 --socket="$DIR/munge/socket" --key-file="$DIR/munge/key" --log-file="$DIR/log/munged.log" \
  --pid-file="$DIR/munge/munged.pid" --seed-file="$DIR/munge/seed" --num-threads=2
slurmctld
for node in "${NODES[@]}"; do start_node "$node"; done
wait_for 60 idle 2 || { tail -n 20 "$DIR"/log/*.log >&2; echo "the nodes are not idle after 60 s" >&2; exit 1; }
echo "Slurm $(sinfo -V | cut -d ' ' -f 2): slurmctld and nodes ${NODES[*]}"
