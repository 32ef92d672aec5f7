#!/usr/bin/env bash
# Builds the Go programs that tools/NAME/go.mod lists as its tools, and prints the folder
# that holds them: scripts/build-tools.sh NAME. They are built once: the folder lies in a
# cache outside the tree, and its name tells the version.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  -*)
    echo "build-tools: '$1' is not understood; --help says what there is" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
go=${GO:-go}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/token-rate-limiter/tools

if [ $# -ne 1 ] || [ ! -f "tools/$1/go.mod" ]; then
  echo "usage: scripts/build-tools.sh NAME, with a folder tools/NAME" >&2
  exit 2
fi
name=$1

# version_of prints the version of the first tool's module.
version_of() { "$go" -C "tools/$name" list -f '{{.Module.Version}}' tool | head -n1; }

# link_flags prints what tells the programs their own version, where they would call
# themselves v0.0.0 otherwise.
link_flags() {
  local version=$1 package
  echo "-s -w"
  [ "$name" = kubernetes ] || return 0
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    echo "-X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
  done
}

# sum_of prints what tells this build from others of the same version: a sum of all that
# the programs are built from.
sum_of() {
  local sum
  sum=$({
    cat "tools/$name/go.mod" "tools/$name/go.sum"
    "$go" version
    link_flags "$version"
  } | sha256sum)
  echo "${sum:0:8}"
}

version=$(version_of)
folder=$cache/$name-$version-$(sum_of)
if [ ! -d "$folder" ]; then
  echo "building tools/$name $version (once)" >&2
  mkdir -p "$cache"
  # Others may build the same at the same time: what counts is the move, which is whole.
  work=$(mktemp -d "$cache/.$name-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/bin"
  CGO_ENABLED=0 "$go" -C "tools/$name" build -trimpath -buildvcs=false \
    -ldflags "$(link_flags "$version" | tr '\n' ' ')" -o "$work/bin/" tool
  # Go names a program after the folder of its module, and etcd's is server.
  [ ! -f "$work/bin/server" ] || mv "$work/bin/server" "$work/bin/$name"
  mv -T "$work/bin" "$folder" 2>/dev/null || [ -d "$folder" ]
fi
echo "$folder"
