#!/usr/bin/env bash
# Brings the manifests of k8s/ into a cluster, in the namespace model-serving, and waits until the
# gateways and Redis run.
#
#   scripts/deploy-k8s.sh [OPTION]...
#
#   --context NAME      the context of kubectl; the current one by default
#   --image NAME:TAG    the gateway's image, such as registry.example.com/token-rate-limiter:1.0.0; by
#                       default what k8s/ names. The files stay as they are: give it each time
#   --dry-run           ask the cluster what it would do, and change nothing
#   --delete            remove what k8s/ has brought, but the namespace and the volumes
#   --timeout DURATION  how long to wait for each roll-out, such as 90s or 10m; 5m by default
#   --wait-models       wait for the model servers too, which load for minutes and need GPUs
#   -h, --help          print this
#
# A Secret that is in the cluster already stays as it is. KUBECTL names another kubectl.
set -euo pipefail
cd "$(dirname "$0")/.."

namespace=model-serving
manifests=k8s
folder=$manifests # what is applied: with --image, a copy
KUBECTL=${KUBECTL:-kubectl}

fail() {
  echo "deploy-k8s: $*" >&2
  exit 1
}

misuse() {
  echo "deploy-k8s: $*; --help says what there is" >&2
  exit 2
}

# is_reference tells whether a text names an image with a tag or a digest. Without either it would be another
# image each day.
is_reference() {
  local LC_ALL=C part='[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*' label='[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?'
  local host="$label(\\.$label)*(:[0-9]+)?"
  [[ $1 =~ ^($host/)?$part(/$part)*((:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$ ]]
}

action=apply timeout=5m models=no image='' context=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
      exit
      ;;
    --dry-run | --delete)
      [ "$action" = apply ] || misuse 'only one of --dry-run and --delete can be done'
      action=${1#--}
      ;;
    --wait-models) models=yes ;;
    --context | --timeout | --image)
      [ -n "${2:-}" ] || misuse "$1 needs a value"
      case $1 in
        --image) image=$2 ;;
        --context) context=(--context "$2") ;;
        --timeout) timeout=$2 ;;
      esac
      shift
      ;;
    *) misuse "'$1' is not understood" ;;
  esac
  shift
done
[[ $timeout =~ ^[1-9][0-9]*[smh]$ ]] || misuse "--timeout must be like 90s or 10m, and is '$timeout'"
if [ -n "$image" ]; then
  is_reference "$image" || misuse "--image must be like registry.example.com/token-rate-limiter:1.0.0, and is '$image'"
  [ "$action" != delete ] || misuse '--delete needs no --image'
fi

k() { "$KUBECTL" "${context[@]}" "$@"; }

# look_at_cluster ends the script where there is none, in words that say what to do.
look_at_cluster() {
  command -v "$KUBECTL" >/dev/null || fail "there is no $KUBECTL. Install it, or name another one in KUBECTL"
  local said
  if ! said=$(k get --raw /version --request-timeout=10s 2>&1); then
    fail "no cluster answers: $said
Choose one with --context or KUBECONFIG; $KUBECTL config get-contexts lists what there is"
  fi
}

# names prints what of the manifests is in the cluster, such as deployment.apps/token-rate-limiter.
names() { k -n "$namespace" get -R -f "$folder" --ignore-not-found -o name | sort -u; }

# make_password gives Redis a password before its first start. The manifests have none, for they are public, and
# `kubectl apply` leaves alone what it has not set.
make_password() {
  local secret=secret/token-rate-limiter redis password
  redis=$(k -n "$namespace" get statefulset/redis --ignore-not-found -o name)
  [ -z "$redis" ] || return 0
  k apply -f "$folder/token-rate-limiter/secret.yaml"
  password=$(k -n "$namespace" get "$secret" -o 'jsonpath={.data.REDIS_PASSWORD}')
  [ -z "$password" ] || return 0
  # By standard input: arguments can be read by others on the machine.
  printf '{"stringData":{"REDIS_PASSWORD":"%s"}}' "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" |
    k -n "$namespace" patch "$secret" --type merge --patch-file /dev/stdin
}

# choose_image has the rest of the script work on a copy of the manifests that names the image.
choose_image() {
  local work file named='^( *image: )"?([^" ]*/)?token-rate-limiter[:@][^" ]*"?$' files=()
  mapfile -t files < <(grep -rlE "$named" "$manifests")
  [ ${#files[@]} -gt 0 ] || fail "no file of $manifests/ has an image called token-rate-limiter, which --image could replace"
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # what it is called now is what is to be removed
  trap "rm -rf '$work'" EXIT
  cp -R "$manifests" "$work/"
  for file in "${files[@]}"; do sed -E "s|$named|\\1\"$image\"|" "$file" >"$work/$file"; done
  folder=$work/$manifests
}

# explain says what keeps a roll-out from its end.
explain() {
  {
    echo
    k -n "$namespace" get pods -o wide || true
    k -n "$namespace" get events --field-selector type=Warning --sort-by .lastTimestamp | tail -n 10 || true
    fail "$1 is not there after $timeout; above are the pods and the last warnings"
  } >&2
}

wait_for_rollouts() {
  local all name
  all=$(names | sort -r) # Redis before the gateways, which are not ready without it
  while read -r name; do
    case $name in
      deployment.apps/vllm-*) [ "$models" = yes ] || continue ;;
      deployment.apps/* | statefulset.apps/*) ;;
      *) continue ;;
    esac
    k -n "$namespace" rollout status "$name" --timeout "$timeout" </dev/null || explain "$name"
  done <<<"$all"
}

what_to_try() {
  local kubectl="$KUBECTL ${context[*]:+${context[*]} }-n $namespace"
  cat <<HELP

The gateways run. In one terminal:
  $kubectl port-forward service/token-rate-limiter 8080:8080
and in another, with one of your keys:
  curl -s http://127.0.0.1:8080/v1/models -H "Authorization: Bearer \$KEY"
Their log: $kubectl logs -f deployment/token-rate-limiter
HELP
  if [ -z "$(k -n "$namespace" get secret/token-rate-limiter -o 'jsonpath={.data.REDIS_PASSWORD}')" ]; then
    cat <<HELP
Redis asks nobody for a password, for there was none at its first start. Put one into the key REDIS_PASSWORD of the Secret
token-rate-limiter, and start both anew, for which nobody is served for a moment:
  $kubectl rollout restart statefulset/redis deployment/token-rate-limiter
HELP
  fi
  if ! k -n "$namespace" get configmap/token-rate-limiter -o yaml | grep -q 'hash:'; then
    cat <<HELP
There is no API key yet, so nobody is let in. Make one, and list its hash in auth.api-keys of
$manifests/token-rate-limiter/configmap.yaml; gateways follow a changed ConfigMap without a restart:
  openssl rand -hex 32 > admin.key && bin/token-rate-limiter key hash < admin.key
HELP
  fi
  [ "$models" = yes ] || echo "Model servers load for minutes: $kubectl get pods"
}

apply() {
  [ ! -e "$folder/namespace.yaml" ] || k apply -f "$folder/namespace.yaml"
  make_password
  k apply --validate=strict -R -f "$folder"
  wait_for_rollouts
  what_to_try
}

# dry_run lets the cluster judge, which it can only where the namespace is there.
dry_run() {
  local by=server
  if [ -z "$(k get namespace "$namespace" --ignore-not-found -o name)" ]; then
    by=client
    echo "there is no namespace $namespace yet, so kubectl judges and not the cluster"
  fi
  k apply --validate=strict --dry-run="$by" -R -f "$folder"
}

# delete leaves the namespace, in which others may work, and the volumes, in which the accounts are.
delete() {
  local all found=()
  all=$(names)
  mapfile -t found < <(grep -vE '^((namespace|persistentvolumeclaim)/|$)' <<<"$all")
  if [ ${#found[@]} -eq 0 ]; then
    echo "nothing of $manifests/ is in the namespace $namespace"
    return
  fi
  k -n "$namespace" delete --ignore-not-found "${found[@]}"
  cat <<HELP
The namespace and the volumes are still there, Redis' accounts and the models' weights in them:
  $KUBECTL ${context[*]:+${context[*]} }-n $namespace get persistentvolumeclaims
HELP
}

look_at_cluster
echo "$manifests/ for the cluster ${context[1]:-$(k config current-context 2>/dev/null || echo 'that kubectl knows')}, namespace $namespace${image:+, with $image}"
[ -z "$image" ] || choose_image
case $action in
  apply) apply ;;
  dry-run) dry_run ;;
  delete) delete ;;
esac
