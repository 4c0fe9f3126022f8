# Runs that are interrupted, for the tests of this folder; sourced by them after tool_support.sh.
# shellcheck shell=bash

# start ARGUMENT...: a run in the background, in $pid.
start() {
  rm -f out err  # so that nobody takes what an earlier run said for this one
  "$HONE" "$@" >out 2>err &
  pid=$!
}
# cut SIGNAL SECONDS: sends the signal unless the run ends before; its exit code is in $code.
cut() {
  sleep "$2"
  kill "-$1" "$pid" 2>/dev/null || true
  code=0
  wait "$pid" 2>/dev/null || code=$?
}
same() {
  cmp -s "$1" "$2" || problem "$3: $2 differs from $1"
}

# killed_and_resumed REFERENCE DELAY-COMMAND KILLS ARGUMENT...: the run, killed so many times at the
# moments that the command prints (in seconds), then left to end, gives the reference's bytes.
killed_and_resumed() {
  local reference=$1 delay=$2 kills=$3 kill cut_short=0
  shift 3
  rm -rf checkpoint resumed.onnx
  for ((kill = 0; kill < kills; ++kill)); do
    start "$@" --checkpoint checkpoint --resume --quiet -o resumed.onnx
    cut KILL "$($delay)"
    if ((code == 137)); then cut_short=$((cut_short + 1)); fi
    # An output is there only when it is whole; the kill may come after it was written.
    [[ ! -e resumed.onnx ]] || same "$reference" resumed.onnx "an output when killed"
    rm -f resumed.onnx
  done
  "$HONE" "$@" --checkpoint checkpoint --resume --quiet -o resumed.onnx >out 2>err ||
    problem "a resumed run failed: $(cat err)"
  same "$reference" resumed.onnx "killed $cut_short times"
  echo "killed $cut_short times and resumed"
}

# on_terminal ARGUMENT...: as `start`, in a process group of its own: a background job of a script
# would ignore Ctrl-C.
on_terminal() {
  set -m
  start "$@"
  set +m
}
# await COMMAND...: until it succeeds, at most half a minute.
await() {
  local i
  for ((i = 0; i < 3000; ++i)); do
    if "$@"; then return; fi
    sleep 0.01
  done
  problem "waited in vain for: $*"
}

# interrupted_and_resumed SIGNAL REFERENCE SECONDS ARGUMENT...: Ctrl-C (INT) or TERM saves, says how
# to go on, and ends the run with the exit code that a shell gives a process killed by it.
interrupted_and_resumed() {
  local signal=$1 reference=$2 seconds=$3 command
  shift 3
  code=0
  # A run that ends first, because the machine is faster now, is tried again and cut earlier.
  while ((code == 0)); do
    rm -rf checkpoint interrupted.onnx
    on_terminal "$@" --checkpoint checkpoint --quiet -o interrupted.onnx
    await test -d checkpoint
    cut "$signal" "$seconds"
    seconds=$(awk -v s="$seconds" 'BEGIN { print s / 2 }')
  done
  ((code == 128 + $(kill -l "$signal"))) || { problem "$signal: exit code $code: $(cat err)"; return; }
  [[ ! -e interrupted.onnx ]] || problem "an interrupted run wrote its output"
  grep -q "^hone: stopped at epoch .*saved in 'checkpoint'; to go on: " err || problem "$signal: $(cat err)"
  command=$(sed -n 's/^hone: .*; to go on: //p' err)
  eval "$command" >out 2>err || problem "'$command' failed: $(cat err)"
  same "$reference" interrupted.onnx "interrupted"
}
