#!/usr/bin/env bash
# Runs every fuzz target for the time given (10s unless told otherwise):
# scripts/fuzz.sh [DURATION], with the go that GO names. What is new is made smaller in five tries: by default Go takes
# a minute for each, and hardly comes to fuzz.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
esac
cd "$(dirname "$0")/.."

duration=${1:-10s}
if [ $# -gt 1 ] || [[ ! $duration =~ ^(([0-9.]+(ms|s|m|h))+|[1-9][0-9]*x)$ ]]; then
  echo "fuzz: '$*' is not understood; a duration is like 10s or 1m" >&2
  exit 2
fi
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' cmd internal performance test | sort | while read -r file; do
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | cut -d' ' -f2 | while read -r target; do
    echo "== $target ($(dirname "$file"))"
    "${GO:-go}" test -run '^$' -fuzz "^${target}\$" -fuzztime "$duration" -fuzzminimizetime 5x "./$(dirname "$file")"
  done
done
