#!/usr/bin/env bash
# The verbs on models of any kind: run, bench, profile, inspect.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
models=$(cd "$(dirname "$0")" && pwd)
cd "$work"
sums=$models/sums.onnx colours=$models/colours.onnx
bytes=$models/../../fuzz/corpus/onnx/qoperator.onnx

# refused CODE PATTERN ARGUMENT...: one line that matches; nothing on stdout, no file is left.
refused() {
  local code=$1 pattern=$2 found=0
  shift 2
  "$HONE" "$@" >stdout 2>err || found=$?
  [[ $found == "$code" && $(wc -l <err) == 1 && ! -s stdout ]] ||
    problem "hone $*: exit code $found: $(cat stdout err)"
  grep -qE -- "$pattern" err || problem "hone $*: expected /$pattern/, found: $(cat err)"
  [[ -z $(find . -name '*.tmp') ]] || problem "hone $*: left $(find . -name '*.tmp')"
}
keys_in() { # FILE KEY...
  local file=$1 key
  shift
  for key; do grep -q "^ *\"$key\": " "$file" || problem "no key '$key' in $file: $(cat "$file")"; done
}

# Four floats each: 1 2 3 4 and 2 2 2 2.
printf '\0\0\200\77\0\0\0\100\0\0\100\100\0\0\200\100' | npy '<f4' '(2, 2)' >left.npy
printf '\0\0\0\100\0\0\0\100\0\0\0\100\0\0\0\100' | npy '<f4' '(2, 2)' >right.npy
printf '\0\0\0\100\0\0\200\100\0\0\300\100\0\0\0\101' | npy '<f4' '(2, 2)' >product.npy

# run.
"$HONE" run "$sums" --input left=left.npy --input right=right.npy --output-dir new/out >out
cmp new/out/product.npy product.npy || problem "run: $(od -f new/out/product.npy | tail -3)"
[[ $(ls -A new/out) == $'out_sum.npy\nproduct.npy' ]] || problem "run: wrote $(ls -A new/out)"
grep -qx 'out/sum  f32\[2,2\]  new/out/out_sum.npy' out || problem "run: $(cat out)"
"$HONE" run "$sums" --input left=left.npy right=right.npy --output-dir new/out --json >out
keys_in out outputs name file dtype shape
head -c 192 /dev/zero | npy '<f4' '(1, 3, 4, 4)' >image.npy
"$HONE" run "$colours" --input image.npy --output-dir one --threads 1 >out
head -c 48 /dev/zero | npy '|u1' '(1, 3, 4, 4)' >bytes.npy
"$HONE" run "$colours" --input image=bytes.npy --output-dir two >out
cmp one/probabilities.npy two/probabilities.npy || problem "run: bytes are not floats"

both=(--input left=left.npy right=right.npy)
refused 1 "input 'right' is missing: expected --input right=FILE.npy with f32\[N,2\]" \
  run "$sums" --input left=left.npy --output-dir none --json
refused 1 "no input 'lft': expected 'left' f32\[N,2\], 'right'" \
  run "$sums" --input lft=left.npy --output-dir none
refused 1 "left.npy: expected NAME=left.npy" run "$sums" --input left.npy --output-dir none
refused 1 "input 'left' is given twice" \
  run "$sums" --input left=left.npy left=left.npy --output-dir none
refused 1 "input 'image': expected f32\[N,3,4,4\].*found f32\[2,2\]" \
  run "$colours" --input left.npy --output-dir none
head -c 32 /dev/zero | npy '<i8' '(2, 2)' >ids.npy
refused 1 "input 'left': expected f32\[N,2\].*found i64\[2,2\]" \
  run "$sums" --input left=ids.npy right=right.npy --output-dir none
printf '\0\0\0\100\0\0\0\100' | npy '<f4' '(1, 2)' >row.npy
refused 1 "expected .*f32" run "$sums" --input left=left.npy right=row.npy --output-dir none
refused 1 "cannot read 'absent.npy'" run "$sums" --input left=absent.npy right=right.npy --output-dir none
refused 1 "output folder 'left.npy/x'" run "$sums" "${both[@]}" --output-dir left.npy/x
mkdir -p taken/product.npy
refused 1 "cannot write 'taken/product.npy': Is a directory" \
  run "$sums" "${both[@]}" --output-dir taken
[[ $(ls -A taken) == product.npy ]] || problem "run: half of the outputs are there: $(ls -A taken)"
refused 2 "output-dir is required" run "$sums" "${both[@]}"
[[ ! -e none ]] || problem "run: made a folder for what was refused"

# bench.
quick=(--seconds 0.01 --runs 3)
"$HONE" bench "$colours" --batch 4 "${quick[@]}" --threads 2 --json >out
keys_in out latency_us min median p90 p99 throughput batch threads precision peak_bytes
grep -q '"batch": 4,' out || problem "bench --batch 4: $(cat out)"
grep -q '"threads": 2,' out || problem "bench --threads 2: $(cat out)"
grep -q '"precision": "fp32",' out || problem "bench of fp32: $(cat out)"
"$HONE" bench "$bytes" "${quick[@]}" --json >out
grep -q '"precision": "int8",' out || problem "bench of 8 bits: $(cat out)"
"$HONE" bench "$colours" "${quick[@]}" >out
grep -q 'min *median *p90 *p99' out || problem "bench: $(cat out)"
"$HONE" bench "$sums" "${quick[@]}" >out || problem "bench: several inputs"
refused 1 "cannot read 'absent.onnx'" bench absent.onnx --json
refused 2 "batch: expected a whole number of at least 1" bench "$colours" --batch 0
refused 2 "batch: expected a whole number of at most 2147483647" bench "$colours" --batch 9999999999
refused 2 "seconds: expected a number above 0" bench "$colours" --seconds 0

# profile.
"$HONE" profile "$colours" --runs 3 --trace trace.json --json >out
keys_in out steps layers kernels name kernel calls total_us share gflops gb_s peak_share
grep -q '"traceEvents"' trace.json || problem "profile --trace: $(cat trace.json)"
if command -v jq >/dev/null; then
  [[ $(jq '[.traceEvents[] | select(.ph == "X")] | length' trace.json) -gt 0 ]] || problem "no slices"
fi
"$HONE" profile "$colours" --runs 3 >out
grep -Eq '^step +kernel +calls +us/run +share +GFLOP/s +peak +GB/s$' out || problem "profile: $(cat out)"
"$HONE" profile "$colours" --runs 3 --by-layer >out
grep -q '^layer ' out || problem "profile --by-layer: $(cat out)"
if has_terminals; then
  for width in 60 40; do
    for verb in "profile --runs 2" inspect "bench ${quick[*]}"; do
      script -qc "stty cols $width; '$HONE' $verb '$colours'" typescript >/dev/null </dev/null
      # Sentences may wrap, tables not.
      grep -v '^Script' typescript | tr -d '\r' |
        grep -Ev ' (threads|weights|sample)$| us a run over ' >table
      [[ -s table && -z $(awk -v width="$width" 'length > width' table) ]] ||
        problem "hone $verb: a table is wider than $width: $(cat typescript)"
    done
  done
fi
refused 1 "cannot write 'no/trace.json'" profile "$colours" --runs 1 --trace no/trace.json --json

# inspect.
"$HONE" inspect "$colours" --json >out
keys_in out parameters flops nodes peak_bytes layers name op output bytes
grep -q '"parameters": 144,' out || problem "inspect: $(cat out)"
grep -q '"unsupported": \[\]' out || problem "inspect: $(cat out)"
"$HONE" inspect "$sums" >out
grep -Eq '^add +add +f32\[1,2\]' out || problem "inspect: $(cat out)"
# A name may hold anything: it does nothing to a terminal, and JSON stays JSON.
LC_ALL=C sed 's/Mul/M\x1b\xff/; s/mul/m\nl/' "$sums" >odd.onnx
refused 1 "node 'm.nl' \(M.x1b" bench odd.onnx
"$HONE" inspect odd.onnx --json | iconv -f utf-8 -t utf-8 >out || problem "inspect --json: no UTF-8"
grep -q '"op": "M.u001b' out || problem "inspect --json of odd names: $(cat -v out)"
LC_ALL=C sed 's/mul/m\nl/' "$sums" >odd.onnx
"$HONE" inspect odd.onnx >out
grep -q '^m.nl  *mul ' out || problem "inspect of odd names: $(cat -v out)"
"$HONE" inspect "$colours" --dot >out
[[ $(head -n 1 out) == 'digraph "colours" {' && $(tail -n 1 out) == '}' ]] || problem "--dot: $(cat out)"
if command -v dot >/dev/null; then dot -Tsvg out >/dev/null || problem "dot does not take: $(cat out)"; fi

# An open dimension.
"$HONE" bench "$models/open.onnx" "${quick[@]}" --batch 2 --dim length=5 >out
grep -q 'x f32\[2,5,4\]' out || problem "bench --dim: $(cat out)"
"$HONE" inspect "$models/open.onnx" --dim length=3 >out
grep -Eq '^relu +relu +f32\[1,3,4\]' out || problem "inspect --dim: $(cat out)"
head -c 32 /dev/zero | npy '<f4' '(1, 2, 4)' >open.npy
"$HONE" run "$models/open.onnx" --input open.npy --dim length=2 --output-dir opened >out
[[ -s opened/y.npy ]] || problem "run --dim: $(cat out)"
refused 1 "input 'x'.*axis 1" bench "$models/open.onnx" --json
refused 2 "dim width=0: expected a whole number of at least 1" bench "$models/open.onnx" --dim width=0
refused 2 "dim: expected NAME=N, found '5'" bench "$models/open.onnx" --dim 5
refused 2 "dim: 'length' is given twice" bench "$models/open.onnx" --dim length=5 --dim length=6
for verb in inspect bench profile "run --input open.npy --output-dir none" "predict 0" eval; do
  # shellcheck disable=SC2086 # the verb with its arguments
  refused 1 "no input has an open dimension 'foo': expected 'N', 'length'" \
    ${verb%% *} "$models/open.onnx" ${verb#"${verb%% *}"} --dim foo=5
done
# Of pictures in batches of exactly one.
"$HONE" predict "$colours" bytes.npy --dim N=1 >out || problem "predict --dim"

# Ctrl-C, and pipes that close early.
for verb in bench profile; do
  arguments=("$verb" "$colours" --runs 1000000)
  # A shell's background jobs ignore the signal; a subshell with its own trap does not.
  code=0
  timeout --preserve-status -s INT 0.5 "$HONE" "${arguments[@]}" >out 2>err || code=$?
  ((code == 130)) || problem "Ctrl-C in $verb: exit code $code: $(cat err)"
done
code=0
"$HONE" inspect "$colours" | head -n 1 >out || code=${PIPESTATUS[0]}
((code == 0 || code == 141)) || problem "inspect | head: exit code $code"

finish
