#!/usr/bin/env bash
# Four epochs of cnn on the whole of Fashion-MNIST: killed at random moments and resumed, interrupted
# and resumed, and on other numbers of threads, the file is the same.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
# shellcheck source=tests/same_bits/runs.sh
source "$(dirname "$0")/runs.sh"
cd "$work"

run=(train cnn --epochs 4 --checkpoint-steps 50)
SECONDS=0
"$HONE" "${run[@]}" --checkpoint whole --quiet -o whole.onnx
length=$SECONDS
random_moment() { awk -v s="$length" -v r="$RANDOM" 'BEGIN { print s * 0.25 * r / 32768 }'; }
killed_and_resumed whole.onnx random_moment 8 "${run[@]}"
interrupted_and_resumed INT whole.onnx "$((length / 3))" "${run[@]}"
for threads in 1 3; do
  "$HONE" train cnn --epochs 4 --threads $threads --quiet -o other.onnx
  same whole.onnx other.onnx "$threads threads"
done
finish
