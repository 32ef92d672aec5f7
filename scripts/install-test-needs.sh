#!/usr/bin/env bash
# Installs what the tests need beside Go: a C compiler for the race detector, a
# real redis-server, curl, openssl, node and npm, and the npm packages of test/sdk. Where
# it may not install, it says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

node_min=18

# missing_packages prints the Debian packages of what is not there.
missing_packages() {
  # Debian's gcc comes without the C library's headers, which cgo wants.
  echo '#include <stdlib.h>' | gcc -x c -fsyntax-only - 2>/dev/null || echo gcc libc6-dev
  for command in redis-server curl openssl npm; do
    command -v "$command" >/dev/null || echo "$command"
  done
  command -v node >/dev/null || echo nodejs
}

install_packages() {
  local as_root=() policy=/usr/sbin/policy-rc.d
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      echo "The tests need: $*. Install them (on Debian: apt-get install $*) and try again." >&2
      exit 1
    fi
  fi
  if ! command -v apt-get >/dev/null; then
    echo "The tests need: $*. Install them with this system's package manager and try again." >&2
    exit 1
  fi
  echo "installing for the tests: $*"
  export DEBIAN_FRONTEND=noninteractive
  # A server that the package would start is not wanted: tests start their own.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    # shellcheck disable=SC2064 # what it says now is what is to be removed
    trap "${as_root[*]} rm -f $policy" EXIT
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# install_clients installs the npm packages as the lock file lists them, unless
# they are there.
install_clients() {
  local sum installed=node_modules/.installed
  cd test/sdk/node
  sum=$(sha256sum package-lock.json | cut -d' ' -f1)
  [ "$(cat "$installed" 2>/dev/null)" = "$sum" ] && return
  echo "installing for the tests: the npm packages of test/sdk/node"
  if ! npm ci --no-progress --loglevel=error; then
    echo "npm could not install what test/sdk/node/package-lock.json lists; it needs a registry (npm config get registry)." >&2
    exit 1
  fi
  echo "$sum" >"$installed"
}

mapfile -t missing < <(missing_packages | tr ' ' '\n')
[ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
version=$(node --version)
major=${version#v}
if [ "${major%%.*}" -lt "$node_min" ]; then
  echo "The tests need node $node_min or later, and this is $version. Install a later one and try again." >&2
  exit 1
fi
install_clients
