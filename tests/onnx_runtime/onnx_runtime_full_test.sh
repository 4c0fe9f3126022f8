#!/usr/bin/env bash
# Others run what hone trains: ONNX's own checker takes the exported cnn, and ONNX Runtime gives the
# results of `hone run`, in every opset that hone writes. Both come from PyPI.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
tools=$(cd "$(dirname "$0")/../../tools" && pwd)
cd "$work"

python3 -m venv venv && venv/bin/pip install --quiet numpy onnx onnxruntime >log 2>&1 || {
  problem "no ONNX Runtime: $(tail -n 1 log)"
  finish
}
small_data data
for opset in $(seq 15 23); do
  "$HONE" train cnn --data data --epochs 1 --quiet --opset "$opset" -o "cnn$opset.onnx" >out
  venv/bin/python "$tools/check_onnx.py" "cnn$opset.onnx" >out 2>&1 || problem "opset $opset: $(cat out)"
  grep -q "valid, opset $opset," out || problem "opset $opset: $(cat out)"
  venv/bin/python "$tools/compare_runtime.py" --hone "$HONE" "cnn$opset.onnx" >out 2>&1 ||
    problem "opset $opset: $(cat out)"
done
finish
