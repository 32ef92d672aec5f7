#!/bin/sh
# Counts the instructions that a benchmark takes, where a machine is too noisy for
# times: scripts/count-instructions.sh PACKAGE BENCHMARK [TIMES]. The start of the
# program is left out, garbage collection too. Valgrind sometimes ends a Go program
# early, most often by a signal that stops a goroutine, so those are switched off, and
# it is asked again.
set -eu
case ${1:-} in
-h | --help)
	sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
	exit
	;;
-*)
	echo "count-instructions: '$1' is not understood; --help says what there is" >&2
	exit 2
	;;
esac
cd "$(dirname "$0")/.."
if [ $# -lt 2 ]; then
	echo "usage: $0 PACKAGE BENCHMARK [TIMES], such as: $0 ./internal/proxy Chat" >&2
	exit 2
fi
if ! command -v valgrind >/dev/null; then
	echo "this needs valgrind (on Debian: apt-get install valgrind)" >&2
	exit 1
fi
package=$1 benchmark=$2 times=${3:-2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${GO:-go}" test -c -o "$work/test" "$package"

# count prints the instructions of a run of $1 operations.
count() {
	for _ in 1 2 3 4 5 6 7 8; do
		# "Collected : N" is there only where the program has come to its end.
		n=$(cd "$package" && GODEBUG=asyncpreemptoff=1 GOMAXPROCS=1 GOGC=off valgrind --tool=callgrind --callgrind-out-file="$work/out" \
			"$work/test" -test.run '^$' -test.bench "$benchmark" -test.benchtime "${1}x" 2>&1 |
			awk '/^PASS/ {ended = 1} /Collected/ {n = $4} END {if (ended) print n}')
		if [ -n "$n" ]; then
			echo "$n"
			return
		fi
	done
	echo "the benchmark did not come to its end under valgrind" >&2
	return 1
}

few=$(count "$times")
many=$(count $((2 * times)))
echo "$benchmark: $(((many - few) / times)) instructions per operation"
