#!/usr/bin/env bash
# Installs what the tests need beside Go: a C compiler for the race detector, a
# real redis-server, curl. Where it may not install, it says what is missing.
set -euo pipefail

missing=()
# Debian's gcc comes without the C library's headers, which cgo wants.
echo '#include <stdlib.h>' | gcc -x c -fsyntax-only - 2>/dev/null || missing+=(gcc libc6-dev)
for command in redis-server curl; do
  command -v "$command" >/dev/null || missing+=("$command")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    echo "The tests need: ${missing[*]}. Install them (on Debian: apt-get install ${missing[*]}) and try again." >&2
    exit 1
  fi
fi
if ! command -v apt-get >/dev/null; then
  echo "The tests need: ${missing[*]}. Install them with this system's package manager and try again." >&2
  exit 1
fi
echo "installing for the tests: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A server that the package would start is not wanted: tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
