#!/usr/bin/env bash
# Copies what the gateways keep in Redis, and brings a copy back.
#
#   scripts/backup-redis.sh [OPTION]...                  make a copy
#   scripts/backup-redis.sh [OPTION]... --verify FILE    load a copy and say what it has
#   scripts/backup-redis.sh [OPTION]... --restore FILE   put a copy in place of what is there
#
#   --host NAME           of Redis; else $REDIS_HOST, or localhost
#   --port NUMBER         else $REDIS_PORT, or 6379
#   --database NUMBER     the gateways' redis.database; 0 by default
#   --user NAME           else $REDIS_USERNAME; the password is in $REDIS_PASSWORD
#   --password-file FILE  a file with the password instead
#   --tls                 encrypt the connection
#   --ca-file FILE        authorities to trust, with --tls; else the system's
#   --directory FOLDER    where copies are kept; ./backups by default
#   --keep NUMBER         how many copies are kept there; 7 by default, 0 keeps all
#   -h, --help            print this
#
# A copy is of one moment of the whole server, such as token-usage-20261130T054200Z.rdb, with
# its SHA-256 beside it. It is there only after a throw-away redis-server has loaded it,
# and older ones are removed only after that. Names of users are in it.
#
# A restore refuses while a gateway is connected. It makes a copy of what is there first, writes
# the copy beside the gateways' keys of that database (token:*), and then lets it take their place at
# once: all of it, or nothing. Redis needs room for both meanwhile. Nothing else in Redis is touched.
# What a copy has of windows that have ended since is not counted again, for the windows go by
# the time.
set -euo pipefail

# fail ends the script with a message.
fail() {
  echo "backup-redis: $*" >&2
  exit 1
}

# misuse is fail for a command line that is not understood.
misuse() {
  echo "backup-redis: $*; --help says what there is" >&2
  exit 2
}

host=${REDIS_HOST:-localhost} port=${REDIS_PORT:-6379} database=0 user=${REDIS_USERNAME:-}
password_file='' ca_file='' directory=backups keep=7 action=copy file=''
tls=()

# number takes whole numbers only.
number() {
  [[ $2 =~ ^[0-9]{1,5}$ ]] || misuse "$1 must be a whole number, and is '$2'"
}

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      sed -n '2,/^[^#]/s/^#\( \|$\)//p' "$0"
      exit
      ;;
    --tls) tls=(--tls) && shift && continue ;;
    --host | --port | --database | --user | --password-file | --ca-file | --directory | --keep | --verify | --restore) ;;
    *) misuse "'$1' is not understood" ;;
  esac
  [ -n "${2:-}" ] || misuse "$1 needs a value"
  case $1 in
    --host) host=$2 ;;
    --port) port=$2 ;;
    --database) database=$2 ;;
    --user) user=$2 ;;
    --password-file) password_file=$2 ;;
    --ca-file) ca_file=$2 ;;
    --directory) directory=$2 ;;
    --keep) keep=$2 ;;
    --verify | --restore)
      [ "$action" = copy ] || misuse "only one of --verify and --restore can be done"
      action=${1#--} file=$2
      ;;
  esac
  shift 2
done
number --port "$port"
number --database "$database"
number --keep "$keep"
if [ -n "$ca_file" ]; then
  [ ${#tls[@]} -gt 0 ] || misuse '--ca-file goes with --tls'
  tls+=(--cacert "$ca_file")
fi

for program in redis-cli redis-server sha256sum; do
  command -v $program >/dev/null || fail "this needs $program (on Debian: apt-get install redis-server redis-tools coreutils)"
done
umask 077 # copies have names of users
work=$(mktemp -d)
server=''
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait # the throw-away server writes nothing, but its folder goes
  [ -z "${staged:-}" ] || clear_aside || true
  rm -rf "$work"
  [ -z "${part:-}" ] || rm -f "$part"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

aside=token-restore: # begins the names of what is not there yet

# redis talks with the gateways' Redis. Where one side speaks TLS and the other does not, it would wait for ever.
redis() { timeout 60 redis-cli "${connection[@]}" "$@"; }

# connect ends the script where Redis does not answer.
connect() {
  local password=${REDIS_PASSWORD:-}
  if [ -n "$password_file" ]; then
    [ -r "$password_file" ] || fail "the file $password_file cannot be read"
    password=$(<"$password_file")
  fi
  unset REDISCLI_AUTH
  [ -z "$password" ] || export REDISCLI_AUTH=$password # as an argument, others on the machine could read it
  connection=(-h "$host" -p "$port" -n "$database" --no-auth-warning "${tls[@]}")
  [ -z "$user" ] || connection+=(--user "$user")
  local said
  said=$(timeout 10 redis-cli "${connection[@]}" ping 2>&1) || true
  [ "$said" = PONG ] || fail "Redis at $host:$port does not answer: ${said:-nothing was said}"
}

# throwaway talks with the server that start_throwaway has started.
throwaway() { env -u REDISCLI_AUTH redis-cli -s "$work/socket" "$@"; }

# start_throwaway loads a copy into a server of its own, which nobody else can reach and which
# writes nothing. One that cannot be loaded ends the script.
start_throwaway() {
  local copy=$1 _
  mkdir -p "$work/data"
  ln -sfn "$(realpath "$copy")" "$work/data/copy.rdb"
  redis-server --port 0 --unixsocket "$work/socket" --unixsocketperm 700 --databases 65537 \
    --save '' --appendonly no --dir "$work/data" --dbfilename copy.rdb >"$work/log" 2>&1 &
  server=$!
  for _ in $(seq 6000); do
    if [ "$(throwaway ping 2>/dev/null)" = PONG ]; then return; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "backup-redis: $copy cannot be loaded:" >&2
  grep -vE 'oO0OoO|Warning|WARNING' "$work/log" | tail -n 5 >&2
  exit 1
}

stop_throwaway() {
  kill "$server"
  wait "$server" || true
  server=''
}

# keys_of counts the gateways' keys, by a function that talks with a server. Names may have line ends.
keys_of() {
  local n
  n=$("$1" eval "return #redis.call('keys', 'token:*')" 0)
  [[ $n =~ ^[0-9]+$ ]] || fail "the gateways' keys cannot be counted: $n"
  echo "$n"
}

# check_sum compares a copy with the sum beside it, if there is one.
check_sum() {
  if [ ! -e "$1.sha256" ]; then
    echo "$1 has no sum beside it ($1.sha256): whether it has changed is not known"
  elif ! (cd "$(dirname "$1")" && sha256sum --check --status "$(basename "$1").sha256"); then
    fail "$1 is not what was copied: its sum is not that of $1.sha256"
  fi
}

# verify says what a copy has, after it was loaded.
verify() {
  [ -r "$1" ] || fail "there is no copy $1"
  check_sum "$1"
  start_throwaway "$1"
  local keys
  keys=$(throwaway_keys)
  stop_throwaway
  echo "$1 is whole: it loads, and has $keys keys of gateways"
}

throwaway_keys() { keys_of in_database; }
in_database() { throwaway -n "$database" "$@"; }

# copy makes a copy that was loaded once, and says its name in $copied.
copy() {
  mkdir -p "$directory"
  while copied=$directory/token-usage-$(date -u +%Y%m%dT%H%M%SZ).rdb && [ -e "$copied" ]; do sleep 0.2; done
  part=$directory/.$(basename "$copied").part
  # As a replica does it: the server gives the state of one moment, and goes on meanwhile.
  redis-cli "${connection[@]}" --rdb "$part" >"$work/rdb" 2>&1 || fail "Redis at $host:$port gives no copy: $(tail -n 2 "$work/rdb")"
  start_throwaway "$part"
  local keys
  keys=$(throwaway_keys)
  stop_throwaway
  mv "$part" "$copied"
  part=''
  (cd "$directory" && sha256sum "$(basename "$copied")" >"$(basename "$copied").sha256")
  echo "$copied: $keys keys of gateways, loaded and well"
}

# retain removes all copies but the newest. Their names sort as their times do.
retain() {
  [ "$keep" -gt 0 ] || return 0
  local old
  find "$directory" -maxdepth 1 -type f -regextype posix-extended -regex '.*/token-usage-[0-9]{8}T[0-9]{6}Z\.rdb' |
    sort | head -n "-$keep" | while IFS= read -r old; do
    rm -f "$old" "$old.sha256"
    echo "removed $old, for $keep copies are kept"
  done
}

# refuse_gateways ends the script where a gateway is connected, after so many looks. One that has lost
# its connection tries again ten times a second.
refuse_gateways() {
  local clients _
  for _ in $(seq "$1"); do
    clients=$(redis client list)
    [[ $clients == *id=* ]] || fail "whether gateways run is not known, for Redis does not list its clients: $clients"
    if grep -q ' name=token-rate-limiter ' <<<"$clients"; then
      echo "backup-redis: gateways are connected to Redis at $host:$port. Stop them first, or what they write is mixed with the copy:" >&2
      grep ' name=token-rate-limiter ' <<<"$clients" | sed -E 's/.* addr=([^ ]*).*/  \1/' | sort -u >&2
      exit 1
    fi
    sleep 0.4
  done
}

# write_commands writes the commands that make the keys of the throw-away server, with other names, and
# without anything that is not the gateways'. They are plain, so that another version of Redis understands them.
write_commands() {
  local other _
  throwaway info keyspace | sed -nE 's/^db([0-9]+):.*/\1/p' | while read -r other; do
    [ "$other" = "$database" ] || throwaway -n "$other" flushdb
  done >/dev/null
  throwaway function flush >/dev/null 2>&1 || true # Redis 6 has none
  in_database eval "for _, key in ipairs(redis.call('keys', '*')) do
    if key:sub(1, 6) == 'token:' then redis.call('rename', key, '$aside' .. key) else redis.call('del', key) end
  end" 0 >/dev/null
  throwaway config set aof-use-rdb-preamble no >/dev/null
  throwaway config set appendonly yes >/dev/null
  for _ in $(seq 6000); do
    if throwaway info persistence | tr -d '\r' | grep -qx 'aof_rewrite_scheduled:0' &&
      throwaway info persistence | tr -d '\r' | grep -qx 'aof_rewrite_in_progress:0'; then break; fi
    sleep 0.1
  done
  # Redis 7 has a folder of files, of which the base has all; before, it is one file.
  local base
  base=$(find "$work/data" -name '*.base.aof' | tail -n 1)
  cat "${base:-$work/data/appendonly.aof}"
}

# clear_aside removes what a restore has written beside the keys.
clear_aside() {
  redis eval "for _, key in ipairs(redis.call('keys', '$aside*')) do redis.call('unlink', key) end" 0 >/dev/null
}

# take_place lets what lies aside take the place of the gateways' keys. Nobody sees the half of it.
take_place() {
  redis eval "for _, key in ipairs(redis.call('keys', 'token:*')) do redis.call('unlink', key) end
    for _, key in ipairs(redis.call('keys', '$aside*')) do redis.call('rename', key, key:sub(#'$aside' + 1)) end
    return 'done'" 0
}

restore() {
  [ -r "$1" ] || fail "there is no copy $1"
  check_sum "$1"
  connect
  refuse_gateways 5
  copy # whatever comes: this is what was there
  start_throwaway "$1"
  local copied_keys restored said
  copied_keys=$(throwaway_keys)
  [ "$copied_keys" -gt 0 ] || fail "$1 has nothing of gateways in the database $database, so that nothing is restored"
  write_commands >"$work/commands"
  [ -s "$work/commands" ] || fail "$1 could not be made commands: $(tail -n 2 "$work/log")"
  stop_throwaway
  staged=yes
  clear_aside # of a restore that was ended before its end
  redis-cli "${connection[@]}" --pipe --pipe-timeout 0 <"$work/commands" >"$work/pipe" 2>&1 ||
    fail "Redis at $host:$port does not take the copy, and has what it had: $(tail -n 3 "$work/pipe")"
  refuse_gateways 1
  said=$(take_place)
  [ "$said" = 'done' ] || fail "Redis at $host:$port does not let the copy take the place of its keys: $said. What was there is in $copied"
  restored=$(keys_of redis)
  # Some may have expired meanwhile.
  [ "$restored" -le "$copied_keys" ] || fail "there are $restored keys, and the copy has $copied_keys: something else writes"
  echo "$1 is restored: $restored keys of gateways. What was there before is in $copied. Start the gateways now."
}

case $action in
  copy)
    connect
    copy
    retain
    ;;
  verify) verify "$file" ;;
  restore) restore "$file" ;;
esac
