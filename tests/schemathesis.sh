#!/usr/bin/env bash
# Runs schemathesis over the API of a server with demo data: no 5xx, and no status, type of content or shape of an answer
# that /api/openapi.json does not tell. Takes some minutes; not part of tests/run.sh. Arguments go to each run, such as
# --seed 7 or --max-examples 100.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/needs.sh gcc libc6-dev ffmpeg curl python3-venv
cargo build --locked

cache=${XDG_CACHE_HOME:-$HOME/.cache}/videoplanet
tool=$cache/schemathesis
[ -x "$tool/bin/schemathesis" ] || { python3 -m venv "$tool" && "$tool/bin/pip" install --quiet 'schemathesis==4.*'; }

work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  rm -rf "$work"
}
trap finish EXIT
"${CARGO_TARGET_DIR:-target}/debug/videoplanet" --data "$work/data" serve --demo --bind 127.0.0.1:0 >"$work/log" 2>&1 &
server=$!
for _ in $(seq 240); do
  url=$(sed -n 's/^VideoPlanet is at //p' "$work/log")
  [ -n "$url" ] && curl -fs "$url/ready" >/dev/null && break
  kill -0 "$server" 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.5
done
read -r email password < <(sed -n 's/^Sign in as \(.*\) with the password \(.*\)$/\1 \2/p' "$work/log")
token() {
  curl -fs "$url/api/v1/auth/login" -H 'Content-Type: application/json' \
    -d "{\"email\":\"$email\",\"password\":\"$password\"}" | sed 's/.*"token":"\([^"]*\)".*/\1/'
}

checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
run() {
  config=$1
  shift
  (cd "$work" && "$tool/bin/schemathesis" --config-file "$config" run "$url/api/openapi.json" \
    --header "Authorization: Bearer $(token)" --checks "$checks" --warnings off --no-color "$@")
}
export SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$PWD/tests/schemathesis" PYTHONDONTWRITEBYTECODE=1
own=$PWD/tests/schemathesis
# What ends the session that asks, or the project that all ask for, comes last.
last='^(accounts_(log_out|end_.*)|projects_remove)$'
failed=0
run "$own/reads.toml" --include-method GET --include-method HEAD --phases examples,coverage,fuzzing --max-examples 25 "$@" || failed=1
run "$own/all.toml" --exclude-operation-id-regex "$last" --max-examples 25 "$@" || failed=1
run "$own/all.toml" --include-operation-id-regex "$last" --phases examples,coverage,fuzzing --max-examples 10 "$@" || failed=1
exit $failed
