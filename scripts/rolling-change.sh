#!/usr/bin/env bash
# Replaces gateways of an earlier version by those of this tree, under load and on one
# Redis, and holds the books against the model server's ledger:
# scripts/rolling-change.sh [COMMIT]. The earlier version is built from the
# repository's history.
set -euo pipefail
case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
	exit
	;;
-*)
	echo "rolling-change: '$1' is not understood; --help says what there is" >&2
	exit 2
	;;
esac
cd "$(dirname "$0")/.."
# The last version before settlements and leases changed their form in Redis.
commit=${1:-5468fb4}
go=${GO:-go}
if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
	echo "the history has no commit $commit (a shallow clone?): git fetch --unshallow, or name another one" >&2
	exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
git archive "$commit" | tar -x -C "$work/source"
(cd "$work/source" && CGO_ENABLED=0 "$go" build -trimpath -o "$work/earlier" ./cmd/token-rate-limiter)
ROLLING_FROM=$work/earlier "$go" test -count=1 -run TestRollingChange -v ./test/e2e
