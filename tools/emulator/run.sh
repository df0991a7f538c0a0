#!/usr/bin/env bash
# Runs a static program in an emulated processor with AVX-512 (README.md). Usage, from anywhere:
#     tools/emulator/run.sh [VARIABLE=VALUE...] BINARY [ARGUMENT...]
# The exit status is that of the program, 124 if LIMIT seconds have passed, 125 if something to run it is missing, and 126
# if the machine ended before the program.
set -euo pipefail

BOCHS=${BOCHS:-bochs}
CPU=${CPU:-corei7_skylake_x}
BIOS=${BIOS:-/usr/share/bochs} # has BIOS-bochs-latest and VGABIOS-lgpl-latest
ISOLINUX=${ISOLINUX:-/usr/lib/ISOLINUX/isolinux.bin}
LDLINUX=${LDLINUX:-/usr/lib/syslinux/modules/bios/ldlinux.c32}
CACHE=${CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/vaelab-emulator}
MEMORY=${MEMORY:-512} # MiB
LIMIT=${LIMIT:-900}   # seconds

fail() { echo "tools/emulator/run.sh: $*" >&2; exit 125; }
source=$(cd "$(dirname "$0")" && pwd)

environment=(PATH=/ HOME=/tmp GOMAXPROCS=1) # the machine has one processor
while [[ ${1:-} == [A-Za-z_]*=* ]]; do environment+=("$1"); shift; done
(($#)) || fail "usage: run.sh [VARIABLE=VALUE...] BINARY [ARGUMENT...]"
[ -r "$1" ] || fail "$1 cannot be read"
[ -r "$ISOLINUX" ] && [ -r "$LDLINUX" ] || fail "ISOLINUX is missing (apt install isolinux syslinux-common)"
for c in "$BOCHS" genisoimage cpio go; do
  command -v "$c" > /dev/null || fail "$c is missing (apt install bochs bochs-term bochsbios isolinux syslinux-common genisoimage cpio)"
done

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Debian's kernel for virtual machines starts fast, because it knows few devices.
if [ -z "${KERNEL:-}" ]; then
  KERNEL=$(ls "$CACHE"/vmlinuz-*-cloud-amd64 2> /dev/null | tail -1 || true)
  if [ -z "$KERNEL" ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 2> /dev/null | sed -n 's/.*Depends: //p' | head -1)
    [ -n "$package" ] || fail "no kernel: set KERNEL, or apt-get update where linux-image-cloud-amd64 is known"
    mkdir -p "$CACHE" "$dir/kernel"
    (cd "$dir/kernel" && apt-get download "$package" && dpkg -x ./*.deb .) > "$dir/apt.log" 2>&1 || fail "$(cat "$dir/apt.log")"
    cp "$dir"/kernel/boot/vmlinuz-* "$CACHE"
    KERNEL=$(ls "$CACHE"/vmlinuz-*-cloud-amd64 | tail -1)
  fi
fi

# The first file system: /init, the program, and what it gets.
mkdir "$dir/files" "$dir/iso"
(cd "$source/init" && CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -ldflags='-s -w' -o "$dir/files/init" main.go)
cp "$1" "$dir/files/program"
shift
chmod +x "$dir/files/program"
printf '%s\0' "${environment[@]}" > "$dir/files/environment"
: > "$dir/files/arguments"
if (($#)); then printf '%s\0' "$@" > "$dir/files/arguments"; fi
(cd "$dir/files" && find . | cpio --quiet -o -H newc) > "$dir/iso/initrd"

cp "$KERNEL" "$dir/iso/kernel"
cp "$ISOLINUX" "$LDLINUX" "$dir/iso"
# What makes the kernel start fast, and what Bochs and the kernel do not agree on. The kernel hangs when it rewrites its
# own string functions for fast string instructions. Bochs 2.7 has wrong sizes of the saved state with protection keys, and in the
# compact form. Newer ones have AMX without what the kernel asks of it.
speed="quiet nokaslr mitigations=off nosmp noreplace-smp acpi=off tsc=reliable no_timer_check random.trust_cpu=on audit=0"
absent=clearcpuid=erms,fsrm,rep_good,pku,xsaves,xsavec,amx_tile
cat > "$dir/iso/isolinux.cfg" <<CFG
default run
prompt 0
label run
  kernel kernel
  initrd initrd
  append console=ttyS0 panic=0 $speed $absent ${APPEND:-}
CFG
genisoimage -quiet -o "$dir/disc" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$dir/iso"

# Debian's Bochs has the display library term, which needs no display, and a debugger, which waits for "c" (continue).
display=nogui
[ "$BOCHS" != bochs ] || display=term
cat > "$dir/bochsrc" <<RC
config_interface: textconfig
display_library: $display
cpu: model=$CPU, count=1, ips=50000000, ignore_bad_msrs=1
clock: sync=none, time0=utc
memory: guest=$MEMORY, host=$MEMORY
romimage: file=$BIOS/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$BIOS/VGABIOS-lgpl-latest
boot: cdrom
ata0: enabled=1
ata0-master: type=cdrom, path=$dir/disc, status=inserted
com1: enabled=1, mode=file, dev=$dir/serial
panic: action=fatal
error: action=ignore
info: action=report
log: $dir/log
RC
: > "$dir/serial"
TERM=${TERM:-dumb} "$BOCHS" -q -f "$dir/bochsrc" <<< c > "$dir/screen" 2>&1 &
machine=$!
disown # no message when it is killed
trap 'kill -KILL $machine 2> /dev/null || true; rm -rf "$dir"' EXIT
end=$((SECONDS + LIMIT))
ended=$'^emulator: exit status [0-9]+\r|Kernel panic'
while kill -0 $machine 2> /dev/null && ((SECONDS < end)) && ! grep -qE "$ended" "$dir/serial"; do sleep 0.2; done
[ -z "${KEEP:-}" ] || cp "$dir"/{log,serial,screen,bochsrc} "$KEEP"
tr -d '\r' < "$dir/serial" | sed '/^emulator: exit status/d'
status=$(tr -d '\r' < "$dir/serial" | sed -n 's/^emulator: exit status //p' | tail -1)
[ -z "$status" ] || exit "$status"
((SECONDS < end)) || { echo "emulator: ended after $LIMIT s"; exit 124; }
tail -n 20 "$dir/screen" "$dir/log" >&2 || true
echo "emulator: the machine ended before the program" >&2
exit 126
