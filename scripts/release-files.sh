#!/usr/bin/env bash
# Makes the files of a release in bin/release: for each architecture an archive of the binary and its
# configuration, and an SBOM (CycloneDX) of what is in that binary; and SHA256SUMS.
#
#   scripts/release-files.sh VERSION
#
#   VERSION     such as v1.2.3
#   -h, --help  print this
#
# The archives of a commit are the same, to the byte, whoever makes them. GO names the go command.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  -* | '')
    echo "release-files: '${1:-}' is not understood; --help says what there is" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
version=$1 folder=bin/release name=token-rate-limiter
epoch=$(git log -1 --format=%ct)

make release VERSION="$version" GO="${GO:-go}"
cyclonedx=$(scripts/build-tools.sh cyclonedx-gomod)/cyclonedx-gomod
mkdir -p "$folder"
for arch in amd64 arm64; do
  binary=bin/linux/$arch/$name base=$folder/$name-linux-$arch
  tar --create --sort=name --format=gnu --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u+rw,go=rX' \
    --transform="s,^bin/linux/$arch/,," --transform="s,^,$name-$version/," \
    "$binary" configs LICENSE README.md CHANGELOG.md | gzip -n9 >"$base.tar.gz"
  "$cyclonedx" bin -json -std -noserial -version "$version" -output "$base.cdx.json" "$binary"
  # It writes down when it ran; what counts is the commit.
  sed -i -E "s/^( *\"timestamp\": )\"[^\"]*\"/\1\"$(date -u -d "@$epoch" +%FT%TZ)\"/" "$base.cdx.json"
done
(cd "$folder" && sha256sum -- *.tar.gz *.cdx.json >SHA256SUMS)
ls -l "$folder"
