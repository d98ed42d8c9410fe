#!/usr/bin/env bash
# Sets everything up and runs VideoPlanet with demo data. Arguments go to `videoplanet serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/needs.sh gcc libc6-dev ffmpeg
cargo build --locked
exec "$CARGO_TARGET_DIR/debug/videoplanet" --data "${VP_DEMO_DATA:-data/demo}" serve --demo "$@"
