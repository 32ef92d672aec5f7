#!/usr/bin/env bash
# Builds the image of this commit from binaries that it builds first.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/build-image.sh [--engine docker|buildah] [--arch amd64|arm64] [--tag NAME]

Builds the binary (`make release`) and docker/Dockerfile.release with it. No base image is
pulled. With buildah, two runs on a commit make images with one digest; docker is asked for it.

  --engine NAME  what builds the image: docker (with buildx) or buildah; the first one that is there
  --arch ARCH    architecture of the image: amd64 or arm64; this machine's
  --tag NAME     name of the image (token-rate-limiter:VERSION, and :latest)
  --help         show this

VERSION and COMMIT are those of the history unless the variables say otherwise. GO names the go command.
HELP
}

refuse() {
  echo "$0: $*" >&2
  exit 2
}

engine='' arch='' tags=()
while [ $# -gt 0 ]; do
  case $1 in
  --help | -h)
    usage
    exit 0
    ;;
  --engine | --arch | --tag)
    [ -n "${2:-}" ] || refuse "$1 wants a value. See --help."
    case $1 in
    --engine) engine=$2 ;;
    --arch) arch=$2 ;;
    --tag) tags+=("$2") ;;
    esac
    shift 2
    ;;
  *) refuse "what is $1? See --help." ;;
  esac
done

if [ -z "$engine" ]; then
  if docker version >/dev/null 2>&1; then engine=docker; elif command -v buildah >/dev/null; then engine=buildah; fi
fi
case $engine in
docker | buildah) ;;
'') refuse "there is neither a docker that reaches its engine nor buildah; install one of them" ;;
*) refuse "--engine is $engine, and must be docker or buildah" ;;
esac
if [ -z "$arch" ]; then
  case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) refuse "name the architecture of the image by --arch" ;;
  esac
fi
case $arch in
amd64 | arm64) ;;
*) refuse "--arch is $arch, and must be amd64 or arm64" ;;
esac

cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty)}
commit=${COMMIT:-$(git rev-parse --short HEAD)}
# Everything in the image is as old as the commit, so that a build can be repeated.
epoch=$(git log -1 --format=%ct)
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
[ ${#tags[@]} -gt 0 ] || tags=("token-rate-limiter:$version" token-rate-limiter:latest)

make release ARCHES="$arch" VERSION="$version" COMMIT="$commit" GO="${GO:-go}"

# with_buildah builds in Docker's format, for the OCI's has no HEALTHCHECK in buildah.
with_buildah() {
  local image work
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # what it is called now is what is to be removed
  trap "rm -rf '$work'" EXIT
  buildah build "$@" --format docker --timestamp "$epoch" --identity-label=false --iidfile "$work/built" .
  image=$(<"$work/built")
  buildah push -q "$image" "dir:$work/image"
  buildah rmi "$image" >/dev/null
  forget_names "$work/image" "${image#sha256:}"
  image=$(buildah pull -q "dir:$work/image")
  buildah tag "$image" "${tags[@]}"
  echo "$image"
}

# forget_names takes the names of buildah's own containers out of an image in a folder, which differ each time
# and mean nothing to whoever runs it: forget_names FOLDER DIGEST-OF-CONFIGURATION.
forget_names() {
  local folder=$1 old=$2 new
  sed -E 's/"container":"[0-9a-f]{64}",//; s/"Hostname":"[0-9a-f]{12}"/"Hostname":""/g' "$folder/$old" >"$folder/config"
  rm "$folder/$old"
  new=$(sha256sum <"$folder/config")
  new=${new%% *}
  sed -i -E "s/(\"config\":\{[^}]*\"size\":)[0-9]+/\1$(wc -c <"$folder/config")/; s/$old/$new/" "$folder/manifest.json"
  mv "$folder/config" "$folder/$new"
}

arguments=(-f docker/Dockerfile.release --platform "linux/$arch"
  --build-arg "VERSION=$version" --build-arg "COMMIT=$commit" --build-arg "CREATED=$created")
case $engine in
docker)
  for tag in "${tags[@]}"; do arguments+=(-t "$tag"); done
  docker buildx build "${arguments[@]}" --provenance=false --build-arg "SOURCE_DATE_EPOCH=$epoch" \
    --output type=docker,rewrite-timestamp=true .
  ;;
buildah) with_buildah "${arguments[@]}" ;;
esac
