#!/usr/bin/env bash
# Looks for what makes the code or the repository unsafe:
#
#   scripts/security.sh [code | lint | secrets | vulnerabilities]...
#
#   code             gosec over what is in the binary; an exception has its reason beside its line
#   lint             staticcheck over the modules that `make check` does not see
#   secrets          gitleaks over the files and the history of git
#   vulnerabilities  govulncheck over all modules, by the database of Go's vulnerabilities: the
#                    one at vuln.go.dev, or GOVULNDB (file:///... where there is no internet)
#   -h, --help       print this
#
# Without a word it does all of them, but goes without the vulnerabilities where their database
# is not reached, and says so.
set -euo pipefail

parts=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
      exit
      ;;
    code | lint | secrets | vulnerabilities) parts+=("$argument") ;;
    *)
      echo "security: '$argument' is not understood; --help says what there is" >&2
      exit 2
      ;;
  esac
done
cd "$(dirname "$0")/.."
go=${GO:-go}
# Those with code of ours; what is only pinned below tools/ has none.
modules=(. test/deploy test/k8s tools/dashboards)


# tool prints where a program of tools/ is, which is built the first time.
tool() { echo "$(GO=$go scripts/build-tools.sh "$1")/$1"; }

check_code() {
  # The folders left out help tests, and are not in the binary.
  "$(tool gosec)" -quiet -terse -exclude-generated -exclude-dir=internal/apptest -exclude-dir=internal/redistest \
    -exclude-dir=internal/tlstest -exclude-dir=internal/limit/limittest ./cmd/... ./internal/...
}

check_lint() {
  local module
  for module in "${modules[@]:1}"; do
    (cd "$module" && "$go" tool -modfile="$OLDPWD/tools/go.mod" staticcheck ./...)
  done
}

check_secrets() {
  local gitleaks
  gitleaks=$(tool gitleaks)
  "$gitleaks" git --no-banner --log-level warn --redact --verbose .
  # What is not committed yet, without what git ignores.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  git ls-files -z --cached --others --exclude-standard --deduplicate |
    tar --create --null --files-from=- --ignore-failed-read --warning=no-failed-read 2>/dev/null | tar --extract --directory "$work"
  "$gitleaks" dir --no-banner --log-level warn --redact --verbose --config .gitleaks.toml "$work"
}

# check_vulnerabilities looks at the code of each module, and at what of the standard library it uses.
check_vulnerabilities() {
  local module govulncheck
  govulncheck=$(tool govulncheck)
  for module in "${modules[@]}"; do
    "$govulncheck" -C "$module" -db "${GOVULNDB:-https://vuln.go.dev}" -test ./...
  done
}

# is_reached tells whether the database of vulnerabilities can be read. A program without
# dependencies is enough to ask it.
is_reached() {
  "$(tool govulncheck)" -db "${GOVULNDB:-https://vuln.go.dev}" ./test/rules >/dev/null 2>&1 || [ $? -eq 3 ]
}

if [ ${#parts[@]} -eq 0 ]; then
  parts=(code lint secrets)
  if is_reached; then
    parts+=(vulnerabilities)
  else
    echo "the database of vulnerabilities (${GOVULNDB:-https://vuln.go.dev}) is not reached: govulncheck is left out" >&2
  fi
fi
failed=()
for part in "${parts[@]}"; do
  echo "== $part"
  set +e # but not within: what fails there ends it
  (set -e && "check_$part")
  code=$?
  set -e
  [ $code -eq 0 ] || failed+=("$part")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "security: found by ${failed[*]}: see above" >&2
  exit 1
fi
