#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version, as the notes of its release:
#
#   scripts/release-notes.sh VERSION [FILE]
#
#   VERSION     such as v1.2.3 or 1.2.3
#   FILE        another changelog
#   -h, --help  print this
#
# A version without notes is an error.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  -*)
    echo "release-notes: '$1' is not understood; --help says what there is" >&2
    exit 2
    ;;
esac
version=${1#v}
if [ $# -lt 1 ] || [ $# -gt 2 ] || ! [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
  echo "usage: scripts/release-notes.sh VERSION [FILE], with a version such as v1.2.3, not '${1:-}'" >&2
  exit 2
fi
file=${2:-$(dirname "$0")/../CHANGELOG.md}

# From the version's heading to the next one, or to the links at the end of the file.
notes=$(awk -v heading="## [$version]" '
  /^## / || /^\[[^]]*\]: / { inside = index($0, heading) == 1; next }
  inside
' "$file")
# Without the empty lines in front; those behind are gone.
notes=$(sed '/./,$!d' <<<"$notes")
if [ -z "$notes" ]; then
  echo "release-notes: $file says nothing of $version: move what is under [Unreleased] under '## [$version] - $(date -u +%F)'" >&2
  exit 1
fi
printf '%s\n' "$notes"
