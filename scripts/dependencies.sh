#!/usr/bin/env bash
# Looks at what is pinned: whether all Go modules are what go.sum says, whether lock files carry no
# addresses, and whether npm knows of vulnerabilities in its packages: scripts/dependencies.sh.
# Without a registry that answers to `npm audit` it fails.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  ?*)
    echo "dependencies: '$1' is not understood; it takes nothing but --help" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
failed=0

modules=$(git ls-files '*go.mod')
mapfile -t modules < <(xargs -n1 dirname <<<"${modules:?git lists no module here}")
for module in "${modules[@]}"; do
  echo "== $module"
  { "${GO:-go}" -C "$module" mod download && "${GO:-go}" -C "$module" mod verify; } || failed=1
done
mapfile -t locks < <(git ls-files '*package-lock.json')
for lock in "${locks[@]}"; do
  if grep -n '"resolved": "http' "$lock"; then
    echo "$lock: packages are pinned by their sums, not by where they came from (omit-lockfile-registry-resolved)" >&2
    failed=1
  fi
  (cd "$(dirname "$lock")" && npm audit --package-lock-only --audit-level=high) || failed=1
done
exit $failed
