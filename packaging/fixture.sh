#!/usr/bin/env bash
# Keeps the database of the present state for the versions to come: tests/fixtures/upgrade/<schema>.db.zst, which
# tests/it/upgrade.rs opens ever after. Run before each release: packaging/fixture.sh [PROGRAM]
#
# The program fills a directory with its demo, processes the clips, gets an account that is known to the test and a few
# changes over REST, and ends in order. Films are not kept: the test looks at what the database says.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/needs.sh curl jq sqlite3 zstd ffmpeg
program=${1:-}
if [ -z "$program" ]; then
    cargo build --locked
    program=$CARGO_TARGET_DIR/debug/videoplanet
fi
home=$(mktemp -d)
server=
ended() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$home"
}
trap ended EXIT

vp=("$program" --data "$home/data" --set media.proxy_preset=ultrafast)
db() { sqlite3 -cmd '.timeout 5000' "$home/data/videoplanet.db" "$1"; }

"${vp[@]}" demo >"$home/said"
echo 'correct horse battery' |
    "${vp[@]}" user add editor@example.com --nickname 편집자 --admin --password-stdin
"${vp[@]}" --set server.bind=127.0.0.1:0 serve >"$home/served" 2>"$home/log" &
server=$!
for _ in $(seq 600); do
    grep -q 'http://' "$home/served" && break
    sleep 0.1
done
url=$(grep -o 'http://[^ ]*' "$home/served")/api/v1

# Whoever made the demo signs in, and lets the account in.
email=$(sed -n 's/^Sign in as \([^ ]*\) .*/\1/p' "$home/said")
password=$(sed -n 's/^Sign in as .* with the password \(.*\)$/\1/p' "$home/said")
signed_in() {
    curl -fsS --json "$(jq -n --arg email "$1" --arg password "$2" '$ARGS.named')" "$url/auth/login" | jq -r .token
}
owner=$(signed_in "$email" "$password")
editor=$(signed_in editor@example.com 'correct horse battery')
ask() { curl -fsS -H "Authorization: Bearer $1" "${@:3}" "$url$2"; }
me=$(ask "$editor" /me | jq .id)
for project in $(ask "$owner" '/projects?page_size=100' | jq '.results[].id'); do
    ask "$owner" "/projects/$project/members" --json "{\"user_id\": $me, \"role\": \"editor\"}" >"$home/answer"
done
feedback=$(db 'SELECT feedback_id FROM comments GROUP BY 1 ORDER BY count(*) DESC LIMIT 1')
for text in '자막 위치를 조금만 올려 주세요.' '2차에서 확인했습니다. 좋습니다!'; do
    ask "$editor" "/feedbacks/$feedback/comments" --json "$(jq -n --arg text "$text" '{$text, section: "00:12"}')" \
        >"$home/answer"
done

echo 'The clips are processed …'
for _ in $(seq 900); do
    [ "$(db "SELECT count(*) FROM media WHERE state NOT IN ('ready', 'failed')")" = 0 ] && break
    sleep 1
done
kill "$server"
wait "$server" || true
server=
schema=$(printf '%04d' "$(db 'SELECT max(number) FROM migrations')")
# In order ended, all of it is in the one file.
[ ! -s "$home/data/videoplanet.db-wal" ]
into=tests/fixtures/upgrade/$schema.db.zst
zstd -q -19 -f "$home/data/videoplanet.db" -o "$into"
echo "$into: $(stat -c %s "$into") bytes, $(db 'SELECT count(*) FROM comments') comments, $("$program" --version)"
