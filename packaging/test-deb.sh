#!/usr/bin/env bash
# The life of the Debian package on a fresh Debian 12: packaging/test-deb.sh --binary PATH
# Builds the package and a second version of it from the program, boots a real systemd in a fresh tree, and installs,
# uses, upgrades under load, breaks, kills, removes and purges it there. One line a step, with the seconds since the start.
#
# As root, some minutes; not part of the everyday tests. The tree (mmdebstrap) and the packages that ffmpeg needs are
# fetched once and kept in VP_DEB_CACHE (~/.cache/videoplanet/deb); each run works on a layer above it that is thrown
# away, and has no network: what it takes is measured without the mirror. Installs by apt: mmdebstrap, systemd-container,
# lintian, ffmpeg (for clips to upload).
set -euo pipefail
cd "$(dirname "$0")/.."

binary=
while [ $# -gt 0 ]; do
    case "$1" in
        --binary) binary=$(realpath "$2") ;;
        *) sed -n '2,10s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ -x "$binary" ] || { echo "--binary PATH: a built program" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "as root" >&2; exit 2; }
# shellcheck source=packaging/needs.sh
. packaging/needs.sh mmdebstrap systemd-container lintian ffmpeg curl python3 binutils dpkg-dev

cache=${VP_DEB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/videoplanet/deb}
work=$(mktemp -d)
root=$work/root
export EMAIL=admin@example.com PASSWORD='correct horse battery'
began=${EPOCHREALTIME/./}
step() { local took=$(((${EPOCHREALTIME/./} - began) / 100000)); printf '%4d.%d s  %s\n' $((took / 10)) $((took % 10)) "$*"; }
die() { step "FAILED: $*"; exit 1; }

machine='' pid=''
end() {
    local code=$?
    if [ $code != 0 ] && [ -n "$pid" ]; then inside journalctl -u videoplanet -o cat -n 30 --no-pager >&2 || true; fi
    if [ -n "$machine" ]; then kill "$machine" 2>/dev/null || true; wait "$machine" 2>/dev/null || true; fi
    mountpoint -q "$root" && umount "$root"
    rm -rf "$work"
}
trap end EXIT

# The tree, once.
tree=$cache/tree
if [ ! -d "$tree" ]; then
    mirror=http://deb.debian.org
    mkdir -p "$cache"
    rm -rf "$tree.part"
    mmdebstrap --quiet --variant=minbase --include=usr-is-merged,systemd,systemd-sysv,dbus \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr bookworm "$tree.part" \
        "deb $mirror/debian bookworm main" "deb $mirror/debian bookworm-updates main" \
        "deb $mirror/debian-security bookworm-security main"
    systemd-nspawn -q -D "$tree.part" --register=no --keep-unit \
        sh -c 'apt-get -q update && apt-get -q -y --download-only install ffmpeg ca-certificates' > "$work/download"
    mv "$tree.part" "$tree"
fi
step "the tree is there"

# The packages.
version=$("$binary" --version | cut -d' ' -f2)
export DPKG_DEB_COMPRESSOR_TYPE=${DPKG_DEB_COMPRESSOR_TYPE:-gzip} DPKG_DEB_COMPRESSOR_LEVEL=${DPKG_DEB_COMPRESSOR_LEVEL:-1}
mkdir "$work/first" "$work/again" "$work/next"
packaging/build-deb.sh --binary "$binary" --out "$work/first" >/dev/null
packaging/build-deb.sh --binary "$binary" --out "$work/again" >/dev/null
cmp "$work"/first/*.deb "$work"/again/*.deb || die "two builds of the same differ"
packaging/build-deb.sh --binary "$binary" --version "$version+next" --out "$work/next" >/dev/null
step "two builds of $version are the same, byte by byte; $version+next is built"
lintian --allow-root --profile debian --fail-on error --fail-on warning "$work"/first/*.deb || die "lintian"
step "lintian: no error, no warning"
systemd-analyze --offline=true security --threshold=13 packaging/systemd/videoplanet.service > "$work/security" ||
    die "the sandbox is weaker than it was: $(tail -1 "$work/security")"
step "systemd-analyze security: $(sed -n 's/.*level for [^:]*: \([0-9.]*\).*/\1/p' "$work/security")"

# The machine.
mkdir -p "$root" "$work/up" "$work/layer"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$work/up,workdir=$work/layer" "$root"
# The disk is waited for at the end, not after each file.
echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/quick"
cp "$work"/first/*.deb "$root/srv/first.deb"
cp "$work"/next/*.deb "$root/srv/next.deb"
systemd-nspawn -q -D "$root" --register=no --keep-unit --private-network --boot > "$work/boot" 2>&1 < /dev/null &
machine=$!
until pid=$(pgrep -P "$machine"); do kill -0 "$machine" || die "$(cat "$work/boot")"; sleep 0.1; done
inside() {
    nsenter -t "$pid" -m -p -u -i -n -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}
# What is outside, in the machine's network.
beside() { nsenter -t "$pid" -n -- "$@"; }
apt() { inside apt-get -q -y -o Dpkg::Use-Pty=0 "$@" > "$work/apt" 2>&1 || { cat "$work/apt" >&2; die "apt-get $*"; }; }
url=http://127.0.0.1:8080
# Within how many seconds /ready has to answer.
until_ready() {
    local from=${EPOCHREALTIME/./}
    while ! beside curl -fsS -m 5 -o /dev/null "$url/ready" 2>/dev/null; do
        [ $((${EPOCHREALTIME/./} - from)) -lt $(($1 * 1000000)) ] || die "/ready does not answer within $1 s"
        sleep 0.1
    done
    answered=$(((${EPOCHREALTIME/./} - from) / 1000))
}
planet() {
    inside runuser -u videoplanet -- videoplanet --config /etc/videoplanet/videoplanet.toml --data /var/lib/videoplanet "$@"
}
for _ in $(seq 100); do
    [ "$(inside systemctl is-system-running 2>/dev/null || true)" = running ] && break
    sleep 0.2
done
inside systemctl is-system-running >/dev/null || die "the machine does not boot: $(inside systemctl --failed --no-pager)"
step "a machine with $(inside systemctl --version | sed -n '1s/ (.*//p') has booted"

apt install ./srv/first.deb
step "apt install ./videoplanet_$version.deb, with ffmpeg"
until_ready 5
step "/ready answers, $answered ms after the installation"
grep -q 'journalctl -u videoplanet' "$work/apt" || die "the installation does not say where the code for /setup is"
inside journalctl -u videoplanet -o cat --no-pager | grep -q /setup || die "the journal does not tell the code for /setup"
inside systemctl is-enabled -q videoplanet.socket videoplanet.service || die "the units are not enabled"
inside systemd-analyze verify videoplanet.service videoplanet.socket 2> "$work/verify" || true
[ ! -s "$work/verify" ] || grep -q "man videoplanet" "$work/verify" || die "systemd-analyze verify: $(cat "$work/verify")"
[ "$(inside stat -c '%U:%G %a' /var/lib/videoplanet)" = 'videoplanet:videoplanet 750' ] || die "modes of the data directory"
[ "$(inside stat -c '%U:%G %a' /etc/videoplanet/environment)" = 'root:videoplanet 640' ] || die "modes of the secrets"
step "units are enabled, the code for /setup is in the journal, modes are right"
echo "$PASSWORD" | planet user add "$EMAIL" --nickname 관리자 --admin --password-stdin >/dev/null
step "the first admin has an account"

clip() { ffmpeg -v error -y -f lavfi -i "testsrc2=s=320x180:r=25:d=$1" -f lavfi -i "sine=d=$1" "${@:3}" "$work/$2"; }
clip 3 시사본.mp4 -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac
clip 2 camera.mov -c:v prores_ks -profile:v 2 -c:a pcm_s16le
films=("$work/시사본.mp4" "$work/camera.mov")
beside python3 packaging/visit.py film "$url" "${films[@]}" > "$work/said"
while read -r line; do step "under the hardened unit: $line"; done < "$work/said"
planet doctor --json --lang en > "$work/doctor" || [ $? = 1 ] || die "doctor: $(cat "$work/doctor")"
step "doctor finds nothing broken"

# Upgrade under load.
mkfifo "$work/load"
beside python3 packaging/visit.py load "$url" < "$work/load" > "$work/loaded" 2>&1 &
visitor=$!
exec 8> "$work/load"
sleep 1
before=$(inside systemctl show -P MainPID videoplanet.service)
apt install ./srv/next.deb
until_ready 5
sleep 1
exec 8>&-
wait "$visitor" || die "upgrade under load: $(cat "$work/loaded")"
[ "$(inside systemctl show -P MainPID videoplanet.service)" != "$before" ] || die "the upgrade did not restart the service"
# shellcheck disable=SC2016
[ "$(inside dpkg-query -W -f '${Version}' videoplanet)" = "$version+next" ] || die "no upgrade"
step "upgrade to $version+next: $(cat "$work/loaded")"

# And back, as the manual says it.
inside systemctl stop videoplanet.socket videoplanet.service
apt install --allow-downgrades ./srv/first.deb
until_ready 5
# shellcheck disable=SC2016
[ "$(inside dpkg-query -W -f '${Version}' videoplanet)" = "$version" ] || die "no way back"
beside python3 packaging/visit.py look "$url" "${films[@]}" > "$work/said"
inside systemctl stop videoplanet.socket videoplanet.service
beside curl -sS -m 2 -o /dev/null "$url/ready" 2>/dev/null && die "it answers though it was stopped"
inside systemctl start videoplanet.socket videoplanet.service
until_ready 5
step "back to $version: $(cat "$work/said")"

# The examples of the package: another port, another place for backups, a graphics card (there is none; it starts with it).
inside sh -c 'cd /etc/systemd/system && mkdir -p videoplanet.socket.d videoplanet.service.d /mnt/backup &&
    cp /usr/share/doc/videoplanet/examples/port.conf videoplanet.socket.d/ && sed -i s/:8080/:8090/ videoplanet.socket.d/port.conf &&
    cp /usr/share/doc/videoplanet/examples/backup.conf /usr/share/doc/videoplanet/examples/gpu.conf videoplanet.service.d/ &&
    chown videoplanet: /mnt/backup && groupadd -rf render && groupadd -rf video && systemctl daemon-reload'
inside systemctl restart videoplanet.socket videoplanet.service
beside curl -sS -m 2 -o /dev/null "$url/ready" 2>/dev/null && die "port.conf: it answers at the port of before as well"
url=${url/8080/8090} until_ready 5
planet backup --to /mnt/backup > "$work/said" || die "backup.conf: $(cat "$work/said")"
inside rm -r /etc/systemd/system/videoplanet.socket.d /etc/systemd/system/videoplanet.service.d
inside systemctl daemon-reload
inside systemctl restart videoplanet.socket videoplanet.service
until_ready 5
step "port.conf brings it to another port, backup.conf lets it at another place: $(tail -1 "$work/said"); without them it is back"

# A crash.
inside systemctl kill -s KILL --kill-who=main videoplanet.service
until_ready 10
[ "$(inside systemctl show -P NRestarts videoplanet.service)" = 1 ] || die "it was not restarted"
step "killed by SIGKILL: it answers again after $answered ms"

# Settings that do not hold: the port outlives a program that cannot start.
inside sh -c 'cp -p /etc/videoplanet/videoplanet.toml /srv/kept.toml; printf "[server]\nbint = 1\n" > /etc/videoplanet/videoplanet.toml'
inside systemctl restart videoplanet.service 2>/dev/null && die "it starts with a wrong setting"
beside curl -sS -m 6 -o /dev/null "$url/ready" 2>/dev/null && die "it answers with a wrong setting"
inside systemctl is-active -q videoplanet.socket || die "the socket has fallen with the service"
inside journalctl -u videoplanet -o cat --no-pager -n 20 | grep -q server.bind || die "the journal does not name the setting"
inside cp -p /srv/kept.toml /etc/videoplanet/videoplanet.toml
until_ready 10
step "a wrong setting is named in the journal, the port stays; mended, it answers after $answered ms"

apt remove videoplanet
beside curl -sS -m 2 -o /dev/null "$url/ready" 2>/dev/null && die "it answers after it was removed"
inside test -s /var/lib/videoplanet/videoplanet.db -a -e /etc/videoplanet/videoplanet.toml || die "data or settings went"
step "removed: nothing answers, data and settings are there"
apt install ./srv/next.deb
until_ready 5
beside python3 packaging/visit.py look "$url" "${films[@]}" > "$work/said"
step "installed again: $(cat "$work/said")"

apt purge videoplanet
inside test -s /var/lib/videoplanet/videoplanet.db || die "a purge that nobody asked took the data"
inside test ! -e /etc/videoplanet || die "settings outlive a purge"
step "purged without an answer: films and database are there, settings are gone"
apt install ./srv/next.deb
until_ready 5
beside python3 packaging/visit.py look "$url" "${films[@]}" > "$work/said"
echo 'videoplanet videoplanet/purge-data boolean true' | inside debconf-set-selections
apt purge videoplanet
inside test ! -e /var/lib/videoplanet || die "the purge left data: $(inside find /var/lib/videoplanet | head)"
step "purged with the answer yes: films and database are gone"
left=$(inside find / -xdev -name '*videoplanet*' -not -path '/proc/*' -not -path '/var/log/*' | sort | tr '\n' ' ')
step "left on the machine: ${left:-nothing}"
step "done"
