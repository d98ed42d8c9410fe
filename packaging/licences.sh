#!/usr/bin/env bash
# Writes packaging/licences.tsv: what is inside the program (name, version, licence), as Cargo knows it. Run it when a
# dependency has changed. Needs cargo and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --offline --filter-platform x86_64-unknown-linux-gnu | python3 -c '
import json, sys
meta = json.load(sys.stdin)
nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}
packages = {p["id"]: p for p in meta["packages"]}
inside, wait = set(), [meta["resolve"]["root"]]
while wait:
    one = wait.pop()
    if one in inside:
        continue
    inside.add(one)
    # What only builds or tests the program is not inside it.
    wait += [d["pkg"] for d in nodes[one]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
inside.discard(meta["resolve"]["root"])
rows = sorted((packages[i]["name"], packages[i]["version"], packages[i]["license"] or "see its source") for i in inside)
rows += [("Pretendard (font)", "1.3", "OFL-1.1")]
print("\n".join("\t".join(row) for row in rows))
' > packaging/licences.tsv
