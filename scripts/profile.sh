#!/bin/sh
# Measures where the gateway's CPU time goes under the load of the benchmarks, for
# the compiler: scripts/profile.sh. `make build` optimises for cmd/token-rate-limiter/profile.pgo. To be
# run after changes of the request path, on a machine with nothing else to do.
#
# The file is not called default.pgo, which `go build` would take by itself: every
# package would be compiled twice then, for the tests and for the binary.
set -eu
case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
	exit
	;;
?*)
	echo "profile: '$1' is not understood; it takes nothing but --help" >&2
	exit 2
	;;
esac
cd "$(dirname "$0")/.."
GO=${GO:-go}
directory=performance/results/profile
$GO run ./performance/bench --quick --profile "$directory" --scenario requests --scenario streaming
$GO tool pprof -proto -output cmd/token-rate-limiter/profile.pgo "$directory"/*-cpu.pprof
