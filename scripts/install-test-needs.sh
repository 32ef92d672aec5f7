#!/usr/bin/env bash
# Installs what the tests need beside Go: a C compiler for the race detector, a
# real redis-server and PostgreSQL, sqlite3, curl, openssl, node and npm, Python, and the packages of test/sdk for
# both: scripts/install-test-needs.sh. Where it may not install, it says what is missing.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  ?*)
    echo "install-test-needs: '$1' is not understood; it takes nothing but --help" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

node_min=18
python_min=3.11 # what requirements.txt is locked for, and later

# missing_packages prints the Debian packages of what is not there.
missing_packages() {
  # Debian's gcc comes without the C library's headers, which cgo wants.
  echo '#include <stdlib.h>' | gcc -x c -fsyntax-only - 2>/dev/null || echo gcc libc6-dev
  for command in redis-server sqlite3 curl openssl npm; do
    command -v "$command" >/dev/null || echo "$command"
  done
  # Debian keeps PostgreSQL's programs beside PATH.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || echo postgresql
  command -v node >/dev/null || echo nodejs
  # Debian's python3 comes without what makes virtual environments.
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3 python3-venv
}

# install_pip installs the Python packages as the lock file lists them, into a
# virtual environment, unless they are there. One whose Python has gone, or is another version, is made anew.
install_pip() {
  local lock=requirements.txt folder=.venv
  cd test/sdk/python
  is_installed $lock $folder &&
    $folder/bin/python -c 'import sys, importlib.util as u; sys.exit(not u.find_spec("openai"))' 2>/dev/null && return
  echo "installing for the tests: the Python packages of test/sdk/python"
  python3 -m venv --clear $folder
  # Python compiles what is imported; that is a small part of it.
  if ! $folder/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --no-compile -r $lock; then
    echo "pip could not install what test/sdk/python/$lock lists; it needs a package index (pip config list)." >&2
    return 1
  fi
  sum_of $lock >$folder/.installed
}

mapfile -t missing < <(missing_packages | tr ' ' '\n')
[ ${#missing[@]} -eq 0 ] || install_packages "the tests" "${missing[@]}"
version=$(node --version)
major=${version#v}
if [ "${major%%.*}" -lt "$node_min" ]; then
  echo "The tests need node $node_min or later, and this is $version. Install a later one and try again." >&2
  exit 1
fi
if ! python3 -c "import sys; sys.exit(sys.version_info < (${python_min/./, }))"; then
  echo "The tests need Python $python_min or later, and this is $(python3 --version). Install a later one and try again." >&2
  exit 1
fi
# Side by side, because both wait for a registry most of the time.
(install_npm test/sdk/node) & npm=$!
(install_pip) & pip=$!
failed=0
wait $npm || failed=1
wait $pip || failed=1
exit $failed
