# shellcheck shell=bash
# Sourced by the two scripts of the README: installs by apt what a fresh Debian 12 with Rust lacks, and says so.
# Arguments: names of packages.

missing=()
for package in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "Installing by apt: ${missing[*]}"
    if [ "$(id -u)" = 0 ]; then as_root=(); else as_root=(sudo); fi
    "${as_root[@]}" apt-get update -q
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
if ! command -v cargo >/dev/null; then
    echo "Rust is missing: install it from https://rustup.rs and run this again." >&2
    exit 1
fi
# One build for all checkouts of this user; a clean clone costs its own code alone.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/videoplanet/target}
