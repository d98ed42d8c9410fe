#!/usr/bin/env bash
# Builds the container image and lives with it: packaging/test-image.sh --binary PATH
# The program must be one for Debian 12. As root, some minutes; not part of the everyday tests.
#
# No image can be pulled here, so `debian:bookworm-slim` is made by mmdebstrap with what the real one leaves out, and
# kept in VP_IMAGE_CACHE (~/.cache/videoplanet/image). buildah builds without a daemon. The image is then run by a dockerd
# of this script's own where one can be started, with read-only root, no capability and uid 10001, and else by chroot.
# Installs by apt: buildah, mmdebstrap, docker.io, ffmpeg (for clips to upload).
set -euo pipefail
cd "$(dirname "$0")/.."

binary=
while [ $# -gt 0 ]; do
    case "$1" in
        --binary) binary=$(realpath "$2") ;;
        *) sed -n '2,8s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ -x "$binary" ] || { echo "--binary PATH: a built program" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "as root" >&2; exit 2; }
# shellcheck source=packaging/needs.sh
. packaging/needs.sh buildah mmdebstrap docker.io ffmpeg curl python3 binutils

cache=${VP_IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/videoplanet/image}
work=$(mktemp -d)
export EMAIL=admin@example.com PASSWORD='correct horse battery'
began=${EPOCHREALTIME/./}
step() { local took=$(((${EPOCHREALTIME/./} - began) / 100000)); printf '%4d.%d s  %s\n' $((took / 10)) $((took % 10)) "$*"; }
die() { step "FAILED: $*"; exit 1; }

dockerd='' container=''
end() {
    [ -z "$container" ] || docker rm -f "$container" >/dev/null 2>&1 || true
    if [ -n "$dockerd" ]; then kill "$dockerd" 2>/dev/null || true; wait "$dockerd" 2>/dev/null || true; fi
    # What it leaves mounted.
    awk -v under="$work/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount
    rm -rf "$work"
}
trap end EXIT

# The base that a registry would give.
mkdir -p "$cache"
if [ ! -e "$cache/base.tar" ]; then
    mirror=http://deb.debian.org
    # shellcheck disable=SC2016
    mmdebstrap --quiet --variant=minbase --include=usr-is-merged \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*' \
        bookworm "$cache/base.tar.part" "deb $mirror/debian bookworm main" "deb $mirror/debian bookworm-updates main" \
        "deb $mirror/debian-security bookworm-security main"
    mv "$cache/base.tar.part" "$cache/base.tar"
fi
step "the base is there: $(du -m "$cache/base.tar" | cut -f1) MB"

build=(buildah --root "$cache/storage" --runroot "$work/run" --storage-driver vfs)
"${build[@]}" inspect --type image debian:bookworm-slim >/dev/null 2>&1 || {
    from=$("${build[@]}" from scratch)
    "${build[@]}" add --quiet "$from" "$cache/base.tar" / >/dev/null
    "${build[@]}" commit --quiet "$from" docker.io/library/debian:bookworm-slim >/dev/null
    "${build[@]}" rm "$from" >/dev/null
}
mkdir "$work/context"
install -m 0755 "$binary" "$work/context/videoplanet"
strip --strip-unneeded "$work/context/videoplanet"
"${build[@]}" bud --quiet --isolation chroot --network host --format docker --layers --pull-never --target ready \
    --build-arg VERSION="$("$work/context/videoplanet" --version | cut -d' ' -f2)" \
    -f packaging/Dockerfile -t videoplanet:test "$work/context" >/dev/null
step "the image is built"
"${build[@]}" push --quiet videoplanet:test "docker-archive:$work/image.tar:videoplanet:test"
mb=$(($(stat -c %s "$work/image.tar") / 1000000))
step "it has $mb MB, $(gzip -1 < "$work/image.tar" | wc -c | awk '{ print int($1 / 1000000) }') MB packed"
[ "$mb" -lt 300 ] || die "300 MB are the limit"

# Clips that ask for what the recipes need: H.264, a film of high dynamic range, pictures of a camera, sound alone.
clip() { ffmpeg -v error -y -f lavfi -i "testsrc2=s=320x180:r=25:d=$1" -f lavfi -i "sine=d=$1" "${@:3}" "$work/$2"; }
clip 3 시사본.mp4 -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac
clip 2 hdr.mp4 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params \
    'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc' -color_primaries bt2020 -color_trc smpte2084 \
    -colorspace bt2020nc -c:a aac
clip 2 camera.mov -c:v prores_ks -profile:v 2 -c:a pcm_s16le
clip 2 web.webm -c:v libvpx-vp9 -deadline realtime -c:a libopus
films=("$work/시사본.mp4" "$work/hdr.mp4" "$work/camera.mov" "$work/web.webm")

# A daemon of our own: another data root, another socket, no rules in the network of this machine.
daemon() {
    command -v dockerd >/dev/null || return 1
    mkdir -p "$work/docker"
    dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$work/docker/data" --exec-root "$work/docker/run" \
        --pidfile "$work/docker/pid" -H "unix://$work/docker/socket" --storage-driver vfs > "$work/docker/log" 2>&1 &
    dockerd=$!
    export DOCKER_HOST=unix://$work/docker/socket
    for _ in $(seq 100); do
        if docker version >/dev/null 2>&1; then return 0; fi
        kill -0 "$dockerd" 2>/dev/null || break
        sleep 0.2
    done
    tail -3 "$work/docker/log" >&2
    return 1
}

port=18080
url=http://127.0.0.1:$port
until_ready() {
    for _ in $(seq 100); do
        if curl -fsS -o /dev/null "$url/ready" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    die "/ready does not answer"
}

if daemon; then
    # As in compose.yaml, or what this machine lets anybody have.
    files=$(ulimit -Hn)
    if [ "$files" = unlimited ] || [ "$files" -gt 65536 ]; then files=65536; fi
    docker load --quiet -i "$work/image.tar" >/dev/null
    run() {
        docker run --network host --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --user 10001:10001 \
            -e "VIDEOPLANET_SERVER_BIND=127.0.0.1:$port" -v data:/data "$@"
    }
    container=$(run -d --health-interval 1s --ulimit "nofile=$files" videoplanet:test)
    until_ready
    step "it answers /ready, under docker with a read-only root, without capabilities, as uid 10001"
    for _ in $(seq 50); do
        health=$(docker inspect -f '{{.State.Health.Status}}' "$container")
        [ "$health" = healthy ] && break
        sleep 0.2
    done
    [ "$health" = healthy ] || die "the health check says $health: $(docker inspect -f '{{json .State.Health.Log}}' "$container")"
    step "its health check says healthy"
    inside() { docker exec -i "$container" /usr/bin/videoplanet --data /data "$@"; }
    logs() { docker logs "$container" 2>&1; }
    stop() { docker stop --time 60 "$container" >/dev/null; docker inspect -f '{{.State.ExitCode}}' "$container"; }
else
    step "no dockerd can be started here: the image runs by chroot, which tries neither the read-only root nor the health check"
    root=$("${build[@]}" mount "$("${build[@]}" from --pull-never videoplanet:test)")
    inside() { chroot --userspec=10001:10001 "$root" /usr/bin/videoplanet --data /data "$@"; }
    mount -t proc proc "$root/proc"
    inside --set "server.bind=127.0.0.1:$port" serve > "$work/log" 2>&1 &
    server=$!
    until_ready
    step "it answers /ready as uid 10001"
    inside --set "server.bind=127.0.0.1:$port" health || die "videoplanet health"
    step "its health check says healthy"
    logs() { cat "$work/log"; }
    stop() { kill -TERM "$server"; local code=0; wait "$server" || code=$?; umount "$root/proc"; echo "$code"; }
fi

logs | grep -q /setup || die "the log does not tell the code for /setup"
echo "$PASSWORD" | inside user add "$EMAIL" --nickname 관리자 --admin --password-stdin >/dev/null
step "the first admin has an account"
python3 packaging/visit.py film "$url" "${films[@]}" | while read -r line; do step "$line"; done
inside --set "server.bind=127.0.0.1:$port" doctor --json --lang en > "$work/doctor.json" || [ $? = 1 ] || die "doctor: $(cat "$work/doctor.json")"
python3 - "$work/doctor.json" <<'END'
import json, sys
broken = [c for c in json.load(open(sys.argv[1]))["checks"] if c["outcome"] == "fail" or "ffmpeg" in c["check"] and c["outcome"] != "ok"]
sys.exit(f"doctor: {broken}" if broken else 0)
END
step "doctor finds nothing broken, and every encoder, filter and decoder"
[ -n "$(inside --version)" ]
code=$(stop)
[ "$code" = 0 ] || die "SIGTERM ends it with $code: $(logs | tail -5)"
step "SIGTERM ends it with 0"
if [ -n "$container" ]; then
    docker rm "$container" >/dev/null
    container=$(run -d videoplanet:test)
    until_ready
    python3 packaging/visit.py look "$url" "${films[@]}" | while read -r line; do step "after a new container on the same volume: $line"; done
fi
step "done: $mb MB"
