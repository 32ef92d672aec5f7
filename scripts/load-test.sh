#!/usr/bin/env bash
# Runs one of the load plans of performance/ against a gateway: against one of
# its own with a mock model on a free loopback port, or against BASE_URL.
#
#   scripts/load-test.sh [k6-load|k6-stress|jmeter-load|jmeter-stress|jmeter-spike]
#
# Environment: BASE_URL, MODEL, API_KEY, USERS, RATE, DURATION (90s, 5m),
# MAX_TOKENS, THINK_MS, P95_MS; performance/README.md says what each does. K6
# and JMETER name other programs than the pinned k6 and the jmeter in PATH, and
# GATEWAY another gateway than the one that is built; RESULTS another folder.
#
# What it finds is in performance/results/. It ends with 0 if every threshold
# held, and it ends what it started, also when it is interrupted.
set -euo pipefail
cd "$(dirname "$0")/.."

plan=${1:-k6-load}
case $plan in
  -h | --help)
    sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
    exit
    ;;
  k6-load | k6-stress | jmeter-load | jmeter-stress | jmeter-spike) ;;
  *)
    echo "there is no plan '$plan'; there are k6-load, k6-stress, jmeter-load, jmeter-stress and jmeter-spike" >&2
    exit 2
    ;;
esac

export DURATION=${DURATION:-90s} USERS=${USERS:-20} MODEL=${MODEL:-llama2-7b} RATE=${RATE:-50}
export MAX_TOKENS=${MAX_TOKENS:-64} THINK_MS=${THINK_MS:-200} P95_MS=${P95_MS:-2000}
if [[ ! $DURATION =~ ^([1-9][0-9]{0,4})(s|m)$ ]]; then
  echo "DURATION is '$DURATION', and must be like 90s or 5m" >&2
  exit 2
fi
seconds=${BASH_REMATCH[1]}
[ "${BASH_REMATCH[2]}" = s ] || seconds=$((seconds * 60))
for name in USERS RATE MAX_TOKENS THINK_MS P95_MS; do
  if [[ ! ${!name} =~ ^[1-9][0-9]{0,6}$ ]]; then
    echo "$name is '${!name}', and must be a whole number above 0" >&2
    exit 2
  fi
done
grace=150 # seconds for start-up, the last answers and the summary

results=${RESULTS:-performance/results}/$plan-$(date -u +%Y%m%dT%H%M%SZ)-$$
mkdir -p "$results"

# Every job has a process group of its own, so that what it starts ends with it.
set -m
jobs_started=()
# shellcheck disable=SC2317 # traps call it
finish() {
  trap - EXIT INT TERM
  local job
  for job in "${jobs_started[@]}"; do
    kill -TERM -- "-$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  done
}
trap finish EXIT
trap 'finish; exit 130' INT
trap 'finish; exit 143' TERM

# start runs a job in the background, with its output in a file.
start() {
  local output=$1
  shift
  "$@" >"$output" 2>&1 &
  jobs_started+=("$!")
}

start_gateway() {
  local program=${GATEWAY:-$results/token-rate-limiter}
  [ -n "${GATEWAY:-}" ] || CGO_ENABLED=0 "${GO:-go}" build -o "$program" ./cmd/token-rate-limiter
  # A user's limit is below what one conversation asks for in a minute, so that
  # the plans meet denials as well as answers.
  cat >"$results/application.yml" <<YAML
server: {address: "127.0.0.1:0", drain-timeout: 5s}
auth: {enabled: false}
token:
  rate-limit:
    store: memory
    models:
      "$MODEL": {max-tokens-per-minute: 3000, max-concurrent-requests: 100}
vllm:
  services:
    "$MODEL": "mock:"
YAML
  PROFILE='' SPRING_PROFILES_ACTIVE='' start "$results/gateway.log" "$program" serve --config "$results"
  local gateway=${jobs_started[-1]} address=
  for _ in $(seq 200); do
    address=$(sed -n 's/.*"msg":"listening","address":"\([^"]*\)".*/\1/p' "$results/gateway.log")
    [ -n "$address" ] && break
    if ! kill -0 "$gateway" 2>/dev/null; then break; fi
    sleep 0.1
  done
  if [ -z "$address" ]; then
    echo "the gateway does not start:" >&2
    tail -n 5 "$results/gateway.log" >&2
    exit 1
  fi
  BASE_URL=http://$address
}

# supervise waits for the tool, which was started last, and returns its code.
# A tool that does not come to its end is ended.
supervise() {
  local tool=${jobs_started[-1]} code=0
  start /dev/null sleep $((seconds + grace))
  local watch=${jobs_started[-1]}
  wait -n "$tool" "$watch" || code=$?
  if kill -0 "$tool" 2>/dev/null; then
    echo "$plan has not ended within $((seconds + grace)) s" >&2
    return 1
  fi
  return "$code"
}

run_k6() {
  local code=0
  start "$results/summary.txt" "${k6[@]}" run --quiet --no-usage-report \
    --summary-export "$results/summary.json" "performance/k6/${plan#k6-}-test.js"
  supervise || code=$?
  cat "$results/summary.txt"
  return "$code"
}

run_jmeter() {
  if [[ ! $BASE_URL =~ ^(https?)://([^/:]+)(:([0-9]+))?(/.*)?$ ]]; then
    echo "BASE_URL is '$BASE_URL', and must be like http://127.0.0.1:8080" >&2
    return 2
  fi
  local protocol=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} port=${BASH_REMATCH[4]} base=${BASH_REMATCH[5]%/}
  [ -n "$port" ] || { [ "$protocol" = https ] && port=443 || port=80; }
  local third=$(((seconds + 2) / 3)) code=0 jmeter
  local out
  out=$(realpath "$results")
  mapfile -t jmeter < <(jmeter_command)
  [ ${#jmeter[@]} -gt 0 ] || return 1
  local properties=(
    -Jprotocol="$protocol" -Jhost="$host" -Jport="$port" -Jbase.path="$base" -Jmodel="$MODEL"
    -Jusers="$USERS" -Jspike.users=$((USERS * 10)) -Jthink="$THINK_MS" -Jmax.wait=60000 -Jmax.tokens="$MAX_TOKENS"
    -Jduration="$seconds" -Jstep="$third" -Jstep.2=$((2 * third)) -Jduration.2=$((seconds - third)) -Jduration.3="$third"
    -Jjmeter.save.saveservice.output_format=csv -Jjmeter.save.saveservice.print_field_names=true
    -Jjmeterengine.nongui.port=0
  )
  if [ -n "${API_KEY:-}" ]; then
    # On the command line everybody on the machine could read it.
    printf 'key.header=X-API-Key\nkey=%s\n' "$API_KEY" >"$results/key.properties"
    chmod 600 "$results/key.properties"
    properties+=(-q "$out/key.properties")
  fi
  cd performance/jmeter # where plans find what they include
  start "$out/jmeter.txt" "${jmeter[@]}" -n -t "${plan#jmeter-}-test.jmx" -l "$out/samples.csv" -j "$out/jmeter.log" "${properties[@]}"
  cd ../..
  supervise || code=$?
  rm -f "$results/key.properties"
  if [ "$code" -ne 0 ] || [ ! -s "$results/samples.csv" ]; then
    echo "jmeter has failed:" >&2
    tail -n 15 "$results/jmeter.txt" >&2
    return 1
  fi
  judge_samples
}

# jmeter_command prints the words that start JMeter, a line each.
jmeter_command() {
  local program=${JMETER:-jmeter} home=/usr/share/jmeter
  if ! command -v "$program" >/dev/null; then
    echo "jmeter is not installed: apt-get install jmeter jmeter-http, or JMETER=/path/to/bin/jmeter" >&2
  elif [ "$(command -v "$program")" != /usr/bin/jmeter ] || [ ! -e $home/bin/ApacheJMeter.jar ]; then
    printf '%s\n' "$program"
  elif ! command -v javac >/dev/null; then
    echo "Debian's jmeter reads no plan without performance/jmeter/AllowPlans.java, which needs a JDK: apt-get install default-jdk-headless" >&2
  else
    printf '%s\n' java -Djava.awt.headless=true -Djmeter.home=$home \
      -cp $home/bin/ApacheJMeter.jar:/usr/share/java/xstream.jar AllowPlans.java
  fi
}

# judge_samples sums up JMeter's samples and holds them to what k6's thresholds
# ask for: nothing but good answers and denials, some answers, and in time.
judge_samples() {
  awk -F, -v OFS=, 'NR == 1 {for (i = 1; i <= NF; i++) column[$i] = i; next}
    {print $column["elapsed"], $column["responseCode"], $column["success"]}' "$results/samples.csv" |
    sort -t, -n | awk -F, -v limit="$P95_MS" '
      $3 != "true" {bad++; kinds[$2]++}
      $2 == 200 {served[++answered] = $1}
      $2 == 429 {denied++}
      END {
        p95 = answered ? served[int((answered * 95 + 99) / 100)] : 0
        printf "samples %d, served %d, denied %d, failed %d; p95 of the served %d ms (below %d)\n", NR, answered, denied, bad, p95, limit
        for (k in kinds) printf "failed with %s: %d\n", k, kinds[k]
        exit bad > 0 || answered == 0 || p95 >= limit
      }' | tee "$results/summary.txt"
}

k6=("${K6:-}")
if [[ $plan == k6-* && -z ${K6:-} ]]; then
  k6=("${GO:-go}" tool -modfile=tools/k6/go.mod k6)
  echo "preparing k6 (some minutes where it was never built) ..."
  "${k6[@]}" version >/dev/null
fi
[ -n "${BASE_URL:-}" ] || start_gateway
export BASE_URL
echo "$plan against $BASE_URL for $DURATION, results in $results"
code=0
case $plan in
  k6-*) run_k6 || code=$? ;;
  jmeter-*) run_jmeter || code=$? ;;
esac
rm -f "$results/token-rate-limiter"
if [ "$code" -ne 0 ]; then
  echo "$plan: a threshold was crossed, or the run failed (code $code)"
fi
exit "$code"
