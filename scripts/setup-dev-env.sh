#!/usr/bin/env bash
# Makes a machine ready for work on this project. What is there already stays as it is, so it can
# be run again at any time.
#
#   scripts/setup-dev-env.sh [--check | --hooks]
#
#   --check     say what is missing, and change nothing
#   --hooks     set up the hooks of git only
#   -h, --help  print this
#
# It sets up: what the tests need (as `make needs`), the Go modules and the pinned tools, the hooks
# of scripts/git-hooks, and the binary in bin/. Go itself, git and make must be there.
set -euo pipefail
cd "$(dirname "$0")/.."

hooks=scripts/git-hooks
go=${GO:-go}
missing=0

lacks() {
  echo "missing: $*" >&2
  missing=1
}

# look_at_programs names what this script does not install.
look_at_programs() {
  local program wanted
  for program in git make "$go"; do
    command -v "$program" >/dev/null || lacks "$program"
  done
  command -v "$go" >/dev/null || return 0
  wanted=$(sed -n 's/^go //p' go.mod)
  # A later Go may be fetched by go itself (GOTOOLCHAIN); where it may not, this fails.
  if ! "$go" version >/dev/null 2>&1 || [ "$(printf '%s\n' "$wanted" "$("$go" env GOVERSION | sed 's/^go//')" | sort -V | head -n 1)" != "$wanted" ]; then
    lacks "Go $wanted or later; $("$go" version 2>&1 | head -n 1) is there"
  fi
}

# look_at_needs names what scripts/install-test-needs.sh would install.
look_at_needs() {
  local program
  for program in gcc redis-server curl openssl node npm python3; do
    command -v "$program" >/dev/null || lacks "$program"
  done
}

hooks_now() { git config --get core.hooksPath || true; }

look_at_hooks() {
  [ "$(hooks_now)" = "$hooks" ] || lacks "the hooks of git (git config core.hooksPath $hooks)"
}

# set_up_hooks lets git find the hooks. Another folder that somebody has chosen stays.
set_up_hooks() {
  git rev-parse --git-dir >/dev/null 2>&1 || { echo 'this is no checkout of git: no hooks' && return; }
  case $(hooks_now) in
    "$hooks") echo "hooks of git: $hooks, as before" ;;
    '')
      git config core.hooksPath "$hooks"
      echo "hooks of git: $hooks"
      ;;
    *)
      echo "git's core.hooksPath is $(hooks_now), and stays. To use those of this project: git config core.hooksPath $hooks" >&2
      missing=1
      ;;
  esac
}

set_up_tools() {
  echo 'what the tests need'
  scripts/install-test-needs.sh
  echo 'Go modules and tools'
  "$go" mod download
  "$go" tool -modfile=tools/go.mod staticcheck -version
  make --no-print-directory build
}

what=all
for argument in "$@"; do
  case $argument in
    -h | --help)
      sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
      exit
      ;;
    --check | --hooks)
      if [ "$what" != all ]; then
        echo 'setup-dev-env: one of --check and --hooks' >&2
        exit 2
      fi
      what=${argument#--}
      ;;
    *)
      echo "setup-dev-env: '$argument' is not understood; --help says what there is" >&2
      exit 2
      ;;
  esac
done

look_at_programs
case $what in
  check)
    look_at_needs
    look_at_hooks
    ;;
  hooks) set_up_hooks ;;
  all)
    [ "$missing" -eq 0 ] || exit 1
    set_up_tools
    set_up_hooks
    ;;
esac
[ "$missing" -eq 0 ] || exit 1
[ "$what" = hooks ] || echo "all is there: make run, make check, make test"
