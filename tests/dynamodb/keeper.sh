#!/usr/bin/env bash
# Keeps a DynamoDB Local as long as it is needed, then removes it completely.
#
#   keeper.sh hold JAR_DIR [--keep]   for a program: takes "stop" and "start" from standard input,
#                                     until that ends, however the program ends. --keep: the data
#                                     are in a folder and survive a stop; otherwise in memory.
#   keeper.sh share JAR_DIR FILE      for the programs that our parent, e.g. ctest, starts: returns
#                                     when the server is up and FILE.<parent's id> has its port;
#                                     lasts until `release`, or until the parent is gone
#   keeper.sh release FILE
#
# A separate program, since it has to outlive the programs that it serves.
set -uo pipefail

server='' port='' folder=''

# 15000 to 32000: below the range of outgoing connections, so that none takes it during a restart.
choose_port() {
  local tries
  for tries in {1..50}; do
    port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
    answers || return 0
  done
  echo "127.0.0.1 has no free port between 15000 and 32000"
  exit 1
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# The first compiler is enough, and starts sooner.
start() {
  local where=(-inMemory) waited
  [[ -z $keep ]] || where=(-dbPath "$folder")
  (cd "$folder" && exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx768m \
    -Djava.library.path="$jars/DynamoDBLocal_lib" -jar "$jars/DynamoDBLocal.jar" \
    -sharedDb -port "$port" "${where[@]}") >"$folder/log" 2>&1 </dev/null &
  server=$!
  for waited in {1..1200}; do
    kill -0 "$server" 2>/dev/null || break
    ! answers || return 0
    sleep 0.05
  done
  echo "DynamoDB Local did not start: $(tail -n 1 "$folder/log")"
  return 1
}

stop() {
  [[ $server ]] || return 0
  kill -9 "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  server=''
}

end() {
  stop
  rm -rf "$folder"
}

prepare() {
  jars=$1
  folder=$(mktemp -d "${TMPDIR:-/tmp}/nexus-dynamodb-XXXXXX")
  trap end EXIT
  trap 'exit 0' TERM INT HUP
  choose_port
}

hold() {
  prepare "$1"
  start || exit 1
  echo "ok $port"
  local command
  while read -r command; do
    case $command in
      stop) stop && echo ok ;;
      start) start && echo ok ;;
    esac
  done
}

# In the background until the parent is gone or `release` comes.
serve() {
  local parent=$1 file=$2
  prepare "$jars"
  if ! start >&2; then
    echo failed >"$file.failed"
    exit 1
  fi
  echo "$port $BASHPID" >"$file.new" && mv "$file.new" "$file"
  while kill -0 "$parent" 2>/dev/null; do
    sleep 1 &
    wait $!  # a signal ends this wait at once
  done
  rm -f "$file"
}

share() {
  jars=$1
  local file=$2.$PPID
  rm -f "$file" "$file.failed"
  serve "$PPID" "$file" </dev/null >/dev/null 2>&1 &
  disown
  until [[ -e $file || -e $file.failed ]]; do sleep 0.05; done
  [[ -e $file ]] || { echo "DynamoDB Local did not start in $jars" >&2; exit 1; }
}

release() {
  local file=$1.$PPID keeper
  [[ -e $file ]] || return 0
  read -r _ keeper <"$file"
  kill "$keeper" 2>/dev/null
  while kill -0 "$keeper" 2>/dev/null; do sleep 0.05; done
  rm -f "$file"
}

keep='' jars=''
[[ ${3:-} != --keep ]] || keep=1
case ${1:-} in
  hold) hold "$2" ;;
  share) share "$2" "$3" ;;
  release) release "$2" ;;
  *) echo "usage: $0 hold JAR_DIR [--keep] | share JAR_DIR FILE | release FILE" >&2; exit 2 ;;
esac
