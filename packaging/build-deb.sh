#!/usr/bin/env bash
# Builds the Debian package: packaging/build-deb.sh [--binary PATH] [--version VERSION] [--out DIR]
# --binary   a program that is built already; without it the release is built here (a quarter of an hour on two cores).
# --version  another version than that of Cargo.toml.
# --out      where the package goes (target/deb).
# The same sources and the same program give the same package, byte by byte: SOURCE_DATE_EPOCH (that of the last commit
# unless it is set) dates everything inside. DPKG_DEB_COMPRESSOR_TYPE=gzip is quicker while one tries things.
set -euo pipefail
cd "$(dirname "$0")/.."

binary='' version='' out=target/deb
while [ $# -gt 0 ]; do
    case "$1" in
        --binary) binary=$2 ;;
        --version) version=$2 ;;
        --out) out=$2 ;;
        *) sed -n '2,7s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done

if [ -z "$binary" ]; then
    # shellcheck source=packaging/needs.sh
    . packaging/needs.sh gcc libc6-dev binutils dpkg-dev
    cargo build --release --locked
    binary=$CARGO_TARGET_DIR/release/videoplanet
fi
for tool in strip dpkg-deb dpkg-shlibdeps; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt install binutils dpkg-dev" >&2; exit 1; }
done

[ -n "$version" ] || version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
maintainer=${VP_DEB_MAINTAINER:-VideoPlanet <packages@videoplanet.invalid>}

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
share=$root/usr/share
doc=$share/doc/videoplanet
put() { install -D -m 0644 "$1" "$2"; }
# Without name and time, or each run would give other bytes.
zip() { install -d "$(dirname "$1")"; gzip -9n > "$1"; }

# The program, and what it says of itself.
install -D -m 0755 "$binary" "$root/usr/bin/videoplanet"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/videoplanet"
program=$root/usr/bin/videoplanet
"$program" man | zip "$share/man/man1/videoplanet.1.gz"
install -d "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
"$program" completions bash > "$share/bash-completion/completions/videoplanet"
"$program" completions zsh > "$share/zsh/vendor-completions/_videoplanet"
"$program" completions fish > "$share/fish/vendor_completions.d/videoplanet.fish"
install -d "$root/etc/videoplanet"
"$program" config > "$root/etc/videoplanet/videoplanet.toml"

# The system: units, user, secrets' place.
for unit in service socket; do
    put "packaging/systemd/videoplanet.$unit" "$root/usr/lib/systemd/system/videoplanet.$unit"
done
put packaging/deb/sysusers.conf "$root/usr/lib/sysusers.d/videoplanet.conf"
put packaging/deb/environment "$share/videoplanet/environment"

# Papers.
put packaging/deb/README.Debian "$doc/README.Debian"
zip "$doc/NEWS.gz" < CHANGELOG.md
zip "$doc/changelog.gz" <<END
videoplanet ($version) stable; urgency=medium

  * What changed: /usr/share/doc/videoplanet/NEWS.gz

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
works=$work/works
{
    echo 'Comment:'
    echo ' The program is linked from these works, each under its own licence (name, version, licence):'
    sed 's/^/  /; s/\t/ /g' packaging/licences.tsv
} > "$works"
sed "/^Upstream-Name:/r $works" packaging/deb/copyright > "$doc/copyright"
while read -r page; do put "docs/$page" "$doc/docs/$page"; done < <(cd docs && find . -name '*.md' -printf '%P\n' | sort)
for example in packaging/systemd/*.conf packaging/nginx.conf packaging/Caddyfile packaging/compose.yaml; do
    [ -e "$example" ] && put "$example" "$doc/examples/$(basename "$example")"
done
for dir in prometheus grafana; do
    for file in "packaging/$dir"/*; do put "$file" "$doc/examples/$dir/$(basename "$file")"; done
done
[ -e packaging/deb/lintian-overrides ] && put packaging/deb/lintian-overrides "$share/lintian/overrides/videoplanet"

# What the program links, as Debian's packages.
install -d "$work/debian"
printf 'Source: videoplanet\n\nPackage: videoplanet\nArchitecture: any\n' > "$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O "$program" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')

install -d "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 0755 "packaging/deb/$script" "$root/DEBIAN/$script"; done
install -m 0644 packaging/deb/templates "$root/DEBIAN/templates"
echo /etc/videoplanet/videoplanet.toml > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/control" <<END
Package: videoplanet
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: $libraries, debconf (>= 0.5) | debconf-2.0, systemd | systemd-standalone-sysusers, ffmpeg, ca-certificates
Suggests: nginx | caddy, prometheus
Section: video
Priority: optional
Description: plan, upload, review and deliver films in a studio
 A self-hosted appliance on which a video studio plans, uploads, reviews and
 delivers its films: resumable uploads, versions, frame-accurate review with
 live comments, decisions, invitations, search in Korean as it is typed,
 schedules, and a dashboard for the operator.
 .
 One program, one port, one data directory. Korean first, English beside it.
END
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
# The mode of what git does not keep one for.
find "$root" -type d -exec chmod 0755 {} +
install -d "$out"
# One thread: the number of threads shows in the bytes.
dpkg-deb --root-owner-group --threads-max=1 --build "$root" "$out/videoplanet_${version}_$architecture.deb"
