#!/usr/bin/env bash
# Sets everything up and passes the tests: format, lints, documentation, unit and integration tests.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/needs.sh gcc libc6-dev ffmpeg strace chromium fonts-noto-cjk poppler-utils curl jq nginx-light openssl
cargo fmt --check
cargo clippy --locked --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib
cargo test --locked --lib --test it
