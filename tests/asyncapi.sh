#!/usr/bin/env bash
# Holds docs/asyncapi.json to the rules of AsyncAPI itself, by its own parser. Needs node with npm; not part of tests/run.sh.
# That the document says what the program does is tests/it/asyncapi.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/videoplanet/asyncapi
[ -d "$cache/node_modules/@asyncapi/parser" ] || npm install --silent --ignore-scripts --prefix "$cache" '@asyncapi/parser@3'
NODE_PATH=$cache/node_modules node -e '
  const { Parser } = require("@asyncapi/parser");
  const text = require("fs").readFileSync("docs/asyncapi.json", "utf8");
  new Parser().parse(text).then(({ document, diagnostics }) => {
    // 0 and 1 are errors and warnings; that there is a newer version of the standard is less.
    const wrong = diagnostics.filter((d) => d.severity < 2);
    for (const d of wrong) console.error(d.path.join("/") + ": " + d.message);
    console.log(document ? document.operations().length + " operations" : "not an AsyncAPI document");
    process.exitCode = document && !wrong.length ? 0 : 1;
  });'
