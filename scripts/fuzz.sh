#!/usr/bin/env bash
# Runs every fuzz target for the time given (10s unless told otherwise),
# with the go that GO names. What is new is made smaller in five tries: by default Go takes
# a minute for each, and hardly comes to fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

duration=${1:-10s}
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' cmd internal performance test | sort | while read -r file; do
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | cut -d' ' -f2 | while read -r target; do
    echo "== $target ($(dirname "$file"))"
    "${GO:-go}" test -run '^$' -fuzz "^${target}\$" -fuzztime "$duration" -fuzzminimizetime 5x "./$(dirname "$file")"
  done
done
