#!/usr/bin/env bash
# Publishes the gateway of this commit: an image for several architectures, which is
# REGISTRY/token-rate-limiter:VERSION, and the chart, which is REGISTRY/charts/token-rate-limiter.
#
#   scripts/publish.sh VERSION REGISTRY
#
#   VERSION     such as v1.2.3; the chart's and both tags are without the v
#   REGISTRY    host and path, such as ghcr.io/token-rate-limiter
#   -h, --help  print this
#
# It prints lines such as image=NAME@sha256:... that steps of a workflow take as their outputs;
# all else goes to standard error. Who may push is known from `docker login`. buildah builds, helm
# is the one of tools/helm. ARCHES names the architectures (amd64 arm64), GO the go command;
# PLAIN_HTTP=1 is for a registry without TLS.
set -euo pipefail
shopt -s inherit_errexit # what fails within $( ) ends the script
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  -*)
    echo "publish: '$1' is not understood; --help says what there is" >&2
    exit 2
    ;;
esac
version=${1:-} registry=${2:-}
if [ $# -ne 2 ] || [ -z "$registry" ] || ! [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
  echo "usage: scripts/publish.sh VERSION REGISTRY, such as v1.2.3 ghcr.io/token-rate-limiter, not '$*'" >&2
  exit 2
fi
cd "$(dirname "$0")/.."
name=token-rate-limiter image=$registry/token-rate-limiter chart=$registry/charts/token-rate-limiter
tag=${version#v}
helm=$(scripts/build-tools.sh helm)/helm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tls=() plain=()
if [ -n "${PLAIN_HTTP:-}" ]; then tls=(--tls-verify=false) plain=(--plain-http); fi

# publish_image builds the image of each architecture, as scripts/build-image.sh does, and pushes
# them under one name. It prints the digest of the list of them.
publish_image() {
  local arch list=localhost/$name-list:$tag
  buildah manifest rm "$list" >/dev/null 2>&1 || true # of a run that was broken off
  buildah manifest create "$list" >/dev/null
  for arch in ${ARCHES:-amd64 arm64}; do
    VERSION=$version scripts/build-image.sh --engine buildah --arch "$arch" --tag "localhost/$name:$tag-$arch" >&2
    buildah manifest add --arch "$arch" "$list" "containers-storage:localhost/$name:$tag-$arch" >/dev/null
  done
  buildah manifest push --all "${tls[@]}" --format oci --digestfile "$work/digest" "$list" "docker://$image:$tag" >&2
  buildah manifest rm "$list" >/dev/null
  cat "$work/digest"
}

# publish_chart packages the chart with this version and pushes it. It prints its digest.
publish_chart() {
  "$helm" package charts/$name --version "$tag" --app-version "$tag" --destination "$work" >&2
  "$helm" push "${plain[@]}" "$work/$name-$tag.tgz" "oci://$registry/charts" >"$work/pushed" 2>&1 || {
    cat "$work/pushed" >&2
    return 1
  }
  cat "$work/pushed" >&2
  sed -n 's/^Digest: //p' "$work/pushed"
}

image_digest=$(publish_image)
chart_digest=$(publish_chart)
for digest in "$image_digest" "$chart_digest"; do
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "publish: '$digest' is no digest" >&2 && exit 1; }
done
cat <<OUTPUTS
image=$image@$image_digest
image-name=$image
image-digest=$image_digest
chart=$chart@$chart_digest
chart-name=$chart
chart-digest=$chart_digest
OUTPUTS
