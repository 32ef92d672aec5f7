# shellcheck shell=bash
# What the scripts share that install Debian and npm packages. To be sourced.

# install_packages installs Debian packages: install_packages WHO PACKAGE... says that WHO needs
# them where it may not.
install_packages() {
  local who=$1 as_root=() policy=/usr/sbin/policy-rc.d
  shift
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      echo "${who^} need: $*. Install them (on Debian: apt-get install $*) and try again." >&2
      exit 1
    fi
  fi
  if ! command -v apt-get >/dev/null; then
    echo "${who^} need: $*. Install them with this system's package manager and try again." >&2
    exit 1
  fi
  echo "installing for $who: $*"
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

# is_installed tells whether a folder holds what a lock file lists.
is_installed() {
  [ "$(cat "$2/.installed" 2>/dev/null)" = "$(sum_of "$1")" ]
}

sum_of() { sha256sum "$1" | cut -d' ' -f1; }

# install_npm installs the npm packages of a folder as its lock file lists them, unless they
# are there.
install_npm() {
  local lock=package-lock.json folder=node_modules
  cd "$1" || return
  is_installed $lock $folder && return
  echo "installing for the tests: the npm packages of $1"
  if ! npm ci --ignore-scripts --no-progress --loglevel=error; then
    echo "npm could not install what $1/$lock lists; it needs a registry (npm config get registry)." >&2
    return 1
  fi
  sum_of $lock >$folder/.installed
}
