#!/usr/bin/env bash
# Runs the gateway from this tree, and builds and starts it anew when the code changes.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/live-rebuild.sh [--interval SECONDS] [-- ARG...]

Builds the gateway and runs `serve ARG...`. When the code changes it is built again; if that
works, the running gateway is told to end (it lets running requests finish) and the new one
starts. If it does not, the running one goes on. Changes of the configuration need no start:
the gateway follows its files.

  --interval SECONDS  how often to look for changes (1)
  --help              show this

GO names the go command (go). Ends with Ctrl-C.
HELP
}

interval=1
while [ $# -gt 0 ]; do
  case $1 in
  --help | -h)
    usage
    exit 0
    ;;
  --interval)
    interval=${2:-}
    shift
    ;;
  --)
    shift
    break
    ;;
  *)
    echo "$0: what is $1? See --help." >&2
    exit 2
    ;;
  esac
  shift
done
[[ $interval =~ ^[0-9]+(\.[0-9]+)?$ ]] || {
  echo "$0: --interval wants a number of seconds, not \"$interval\"" >&2
  exit 2
}

cd "$(dirname "$0")/.."
work=$(mktemp -d)
gateway= # its process id while it runs

# Looking, and not being told: file systems that are shared with a virtual machine tell nobody.
fingerprint() {
  find cmd internal go.mod go.sum -type f ! -name '*_test.go' -printf '%p %s %T@\n' | sort | sha256sum
}

build() { CGO_ENABLED=0 "${GO:-go}" build -o "$work/next" ./cmd/token-rate-limiter; }

stop() {
  [ -n "$gateway" ] || return 0
  kill -TERM "$gateway" 2>/dev/null || true
  wait "$gateway" 2>/dev/null || true
  gateway=
}

start() {
  mv "$work/next" "$work/token-rate-limiter"
  "$work/token-rate-limiter" serve "$@" &
  gateway=$!
}

trap 'stop; rm -rf "$work"' EXIT
trap 'exit 0' INT TERM

built=
while true; do
  now=$(fingerprint)
  if [ "$now" != "$built" ]; then
    built=$now
    if build; then
      stop
      start "$@"
    else
      echo "the code does not build; waiting for the next change" >&2
    fi
  fi
  # In the background, so that a signal is not kept waiting.
  sleep "$interval" &
  wait $! || true
done
