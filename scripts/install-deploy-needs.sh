#!/usr/bin/env bash
# Installs what the tests of deployment need beside what install-test-needs.sh has: buildah for
# images without an engine, qemu for those of another architecture, haproxy, shellcheck,
# Prometheus and Alertmanager with promtool and amtool, and newman from npm:
# scripts/install-deploy-needs.sh. Where it may not install, it says what is missing.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  ?*)
    echo "install-deploy-needs: '$1' is not understood; it takes nothing but --help" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

# missing_packages prints the Debian packages of what is not there.
missing_packages() {
  local command
  for command in buildah shellcheck redis-server curl openssl npm; do
    command -v "$command" >/dev/null || echo "$command"
  done
  command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || echo haproxy
  command -v qemu-aarch64 >/dev/null || echo qemu-user
  command -v promtool >/dev/null || echo prometheus
  command -v amtool >/dev/null || echo prometheus-alertmanager
  command -v node >/dev/null || echo nodejs
}

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -eq 0 ] || install_packages "the tests of deployment" "${missing[@]}"
(install_npm test/deploy/api)
