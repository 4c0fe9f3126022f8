#!/usr/bin/env bash
# A run gives the same bytes on any number of threads and any instruction set, with the optional
# passes off, within a limit of memory, and when it is killed or interrupted and resumed.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
# shellcheck source=tests/same_bits/runs.sh
source "$(dirname "$0")/runs.sh"
cd "$work"
small_data data 300 50

levels=$(grep -m1 -E '^(flags|Features)' /proc/cpuinfo)
isa_levels=(scalar)
[[ " $levels " != *" avx2 "* || " $levels " != *" fma "* ]] || isa_levels+=(avx2)
[[ " $levels " != *" avx512bw "* || " $levels " != *" avx512vl "* ]] || isa_levels+=(avx512)

for model in mlp cnn; do
  run=(train "$model" --data data --epochs 1 --quiet)
  "$HONE" "${run[@]}" --threads 1 -o one.onnx >/dev/null
  for threads in 2 3 5; do
    "$HONE" "${run[@]}" --threads $threads -o other.onnx >/dev/null
    same one.onnx other.onnx "$model on $threads threads"
  done
  HONE_DISABLE_PASSES=winograd "$HONE" "${run[@]}" -o direct.onnx >/dev/null
  HONE_DISABLE_PASSES=all "$HONE" "${run[@]}" -o other.onnx >/dev/null
  same direct.onnx other.onnx "$model without the optional passes"
  for isa in "${isa_levels[@]}"; do
    HONE_ISA=$isa "$HONE" "${run[@]}" -o other.onnx >/dev/null
    same one.onnx other.onnx "$model with HONE_ISA=$isa"
  done
  echo "$model: threads, passes, and ${isa_levels[*]}"
done

# Within a limit of memory, values are computed again.
small_data few 40 10
run=(train resnet20 --data few --epochs 1 --batch 20 --val-split 0)
"$HONE" "${run[@]}" --quiet --json -o one.onnx >out
peak=$(grep -o '"step_bytes": [0-9]*' out)
"$HONE" "${run[@]}" --memory-limit $((${peak#*: } * 6 / 10)) -o other.onnx >out 2>err || problem "$(cat err)"
same one.onnx other.onnx "within a limit of memory"
grep '^memory of a step: .* beside the model (without the limit .*), for .*% more arithmetic$' out ||
  problem "expected what the limit costs, found: $(cat out)"

# Long enough to be cut anywhere: in loading, in an epoch, while saving.
epochs=40
run=(train mlp --data data --epochs "$epochs" --best --flip --crop 2 --checkpoint-steps 2)
begin=$EPOCHREALTIME
"$HONE" "${run[@]}" --checkpoint whole --quiet -o whole.onnx >/dev/null
length=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
echo "a run of $epochs epochs takes $length s"
part_of_run() { awk -v s="$length" -v r="$RANDOM" 'BEGIN { print s * (0.05 + 0.3 * r / 32768) }'; }
killed_and_resumed whole.onnx part_of_run 6 "${run[@]}"
interrupted_and_resumed INT whole.onnx "$(part_of_run)" "${run[@]}"
interrupted_and_resumed TERM whole.onnx "$(part_of_run)" "${run[@]}"

# Without a folder to save in, Ctrl-C says what would have kept the run.
on_terminal train mlp --data data --epochs 100000 --quiet
await test -s out
cut INT 0
((code == 130)) || problem "Ctrl-C without a checkpoint: exit code $code"
grep -q "^hone: stopped at epoch .*nothing is saved.*--checkpoint DIR" err || problem "$(cat err)"
[[ $(wc -l <err) == 1 ]] || problem "expected one line: $(cat err)"

finish
