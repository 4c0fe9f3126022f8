#!/usr/bin/env bash
# The tool's manners: help, --json, progress, terminals and pipes; and that its verbs agree.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
cd "$work"
small_data data

# json VERB KEYS ARGUMENT...: one JSON object with these keys on stdout and nothing else.
json() {
  local verb=$1 key keys=$2
  shift 2
  "$HONE" "$verb" "$@" --json >"$verb.json" 2>err || problem "hone $verb --json: $(cat err)"
  [[ $(head -c 1 "$verb.json") == '{' && $(tail -n 1 "$verb.json") == '}' ]] ||
    problem "hone $verb --json: expected an object, found $(cat "$verb.json")"
  for key in $keys; do
    grep -q "^ *\"$key\": " "$verb.json" || problem "hone $verb --json: no key '$key'"
  done
  if command -v jq >/dev/null; then
    [[ $(jq -s length "$verb.json") == 1 ]] || problem "hone $verb --json: not one JSON value"
  fi
}
# The value of a key with no object or list in it.
value_of() { sed -n "s/^ *\"$2\": \(.*[^,]\),\{0,1\}$/\1/p" "$1.json"; }

# Help.
"$HONE" --help >out || problem "hone --help fails"
for verb in train new eval predict run inspect bench profile weights doctor; do
  grep -q "^  $verb " out || problem "hone --help does not list $verb"
  "$HONE" "$verb" --help >help 2>err || problem "hone $verb --help fails"
  [[ ! -s err ]] || problem "hone $verb --help writes to stderr"
  for option in help json quiet threads seed; do
    grep -q -- "--$option" help || problem "hone $verb --help does not tell of --$option"
  done
done
"$HONE" --version | grep -Eq '^hone [0-9]+\.[0-9]+\.[0-9]+$' || problem "hone --version"

# Help in 80 columns without a terminal, and in those of one.
for verb in '' train new eval predict run inspect bench profile doctor; do
  # shellcheck disable=SC2086
  [[ -z $("$HONE" $verb --help | awk 'length > 80') ]] || problem "hone $verb --help is too wide"
  if has_terminals; then
    script -qc "stty cols 60; '$HONE' $verb --help" typescript >/dev/null </dev/null
    [[ -z $(grep -v '^Script' typescript | tr -d '\r' | awk 'length > 60') ]] ||
      problem "hone $verb --help wraps: $(cat typescript)"
  fi
  if grep -Eq 'Option Group|Needs:|Excludes:|REQUIRED|^ +$' help; then problem "hone $verb --help: $(cat help)"; fi
done

# JSON.
json train "accuracy loss test_accuracy images_per_s step_bytes epochs seed model" \
  cnn --data data --epochs 2 --seed 3 -o cnn.onnx --report report.html
[[ $(value_of train epochs) == 2 && $(value_of train seed) == 3 ]] || problem "train: $(cat train.json)"
[[ $(grep -c '^epoch [12]/2  loss .* acc .*%  val loss .* acc .*%  .* s [0-9]*/s$' err) == 2 && $(wc -l <err) == 2 ]] ||
  problem "without a terminal, expected a line an epoch on stderr, found: $(cat err)"
json eval "accuracy loss samples samples_per_s" cnn.onnx --data data
json predict "predictions class label probability" cnn.onnx 0 1 2 --data data
json inspect "parameters flops nodes peak_bytes unsupported" cnn.onnx
for format in npz safetensors; do
  json weights "tensors elements file" cnn.onnx --out "w.$format"
  json weights "tensors elements file" cnn.onnx --in "w.$format" -o again.onnx
  json weights "tensors elements file" again.onnx --out "again.$format"
  cmp -s "w.$format" "again.$format" || problem "weights through $format: others came back"
  json eval "accuracy loss" again.onnx --data data
  [[ $(value_of eval loss) == $(value_of train test_loss) ]] ||
    problem "weights through $format: another model came back"
done
json new "model shape classes parameters seed file" mlp --shape 1,28,28 --classes 10 --seed 3 -o new.onnx
[[ $(value_of new parameters) == 101770 ]] || problem "new: $(cat new.json)"
"$HONE" new mlp --seed 3 -o new2.onnx --quiet >/dev/null
cmp -s new.onnx new2.onnx || problem "new: the model's shape and classes are not those of Fashion-MNIST"
"$HONE" eval new.onnx --data data >out 2>&1 || problem "eval new.onnx: $(cat out)"
json doctor "isa cores fma_gflops int8_gmacs bandwidth_gb_s"
[[ $(value_of eval accuracy) == $(value_of train test_accuracy) &&
  $(value_of eval loss) == $(value_of train test_loss) ]] ||
  problem "eval and train disagree: $(cat eval.json train.json)"
grep -q '</html>' report.html || problem "the report does not end"
grep -q '<title>cnn on data</title>' report.html || problem "the report's title: $(grep '<title>' report.html)"
grep -q -- '--report report.html' report.html || problem "the report does not tell its command"

# Streams: results on stdout, progress on stderr, none of it with --quiet.
"$HONE" train mlp --data data --epochs 1 -o mlp.onnx >out 2>err
if grep -q '^epoch' out || ! grep -q '^test: ' out; then problem "stdout: $(cat out)"; fi
if grep -q $'[\r\033]' err; then problem "control characters without a terminal"; fi
"$HONE" train mlp --data data --epochs 1 --quiet >out 2>err
[[ ! -s err ]] || problem "--quiet: $(cat err)"

# A disk that is full for TensorBoard's events: one line says so, and training goes on.
(
  trap '' XFSZ
  ulimit -f 1
  "$HONE" train linear --data data --epochs 9 --batch 16 --quiet --tensorboard full >out 2>err
) || problem "train with a full disk for events fails: $(cat err)"
[[ $(wc -l <err) == 1 && $(cat err) == "hone: warning: cannot write 'full/events.out"*"File too large; training goes on without --tensorboard" ]] ||
  problem "train with a full disk for events: $(cat err)"

# A narrow terminal: the line that redraws itself never wraps.
if has_terminals; then
  script -qc "stty cols 40; '$HONE' train mlp --data data --epochs 3" typescript >/dev/null </dev/null
  tr '\r' '\n' <typescript | sed 's/\x1b\[K//g' | grep '%.* left\|^ *[0-9]*% \|^\[' >lines || true
  [[ -s lines ]] || problem "no progress on a terminal"
  [[ -z $(awk 'length > 39' lines) ]] || problem "a line wraps: $(awk 'length > 39' lines)"
else
  echo "skipped: the terminal's width: there is no script(1)" >&2
fi

# Pipes that close early end the tool as they end any other, by their signal or not at all.
code=0
"$HONE" inspect cnn.onnx --graph | head -n 1 >out || code=${PIPESTATUS[0]}
((code == 0 || code == 141)) || problem "hone inspect | head -1: exit code $code"
grep -q '^layer ' out || problem "inspect: $(cat out)"

# An image by its number and as an array is one image.
head -c 800 data/t10k-images-idx3-ubyte | tail -c 784 | npy '|u1' '(28, 28)' >image.npy
"$HONE" predict cnn.onnx --data data 0 | sed 's/^0 *//' >number
"$HONE" predict cnn.onnx image.npy | sed 's/^image.npy *//' >array
cmp -s number array || problem "predict: $(cat number array)"
grep -Eq '^[0-9]+  [0-9.]+%$' number || problem "predict: $(cat number)"

# A deep network and its recipe, on few images.
small_data few 40 20
"$HONE" train resnet20 --data few --epochs 1 -o resnet20.onnx >out 2>err || problem "resnet20: $(cat err)"
grep -q '^1 epoch of 1 step, batch 37, sgd 0.1, momentum 0.9, .* cosine, .* flip, crop 3$' out ||
  problem "the recipe of resnet20: $(cat out)"
"$HONE" eval resnet20.onnx --data few --quiet >again
grep -q "$(sed -n 's/^test: .* \(loss .*\)/\1/p' out)" again || problem "resnet20: $(cat out again)"

# A momentum of 0 is one.
"$HONE" train resnet20 --data few --epochs 1 --momentum 0 --quiet >out 2>err || problem "--momentum 0: $(cat err)"
grep -q '^1 epoch of 1 step, batch 37, sgd 0.1, weight decay' out || problem "--momentum 0: $(cat out)"

# Training goes on from a file.
"$HONE" train mlp.onnx --data data --epochs 3 -o more.onnx --json --quiet >more.json
"$HONE" train mlp --data data --epochs 1 --json --quiet >first.json
awk -v a="$(value_of more train_loss)" -v b="$(value_of first train_loss)" 'BEGIN { exit !(a < b) }' ||
  problem "training from a file: the loss is $(value_of more train_loss)"

# The graphs after each pass.
env -u HONE_DISABLE_PASSES "$HONE" train mlp --data data --epochs 1 --quiet --dump-passes dump >/dev/null
grep -q 'matmul' dump/mlp.train.prepare/*simplify.txt || problem "--dump-passes: $(ls -R dump)"
[[ -d dump/mlp.train.batch64.lower && -d dump/mlp.evaluate.batch100.lower ]] ||
  problem "--dump-passes: $(ls dump)"

# TensorBoard: 2 + 1 epochs of 6 steps (360 images by 64), in a file for each start.
tensorboard() {
  "$HONE" train mlp --data data --quiet --tensorboard events --checkpoint run --resume "$@" >/dev/null
}
tensorboard --epochs 2
tensorboard --epochs 3
count() { cat events/events.out.tfevents.* | grep -ao "$1" | wc -l; }
[[ $(find events -type f | wc -l) == 2 && $(count loss/step) == 18 && $(count accuracy/validation) == 3 &&
  $(count learning_rate) == 18 && $(count brain.Event:2) == 2 ]] ||
  problem "--tensorboard: $(ls events), $(count loss/step) steps"

# How soon training starts: told, not judged.
begin=$EPOCHREALTIME
"$HONE" train cnn --quiet --checkpoint first --checkpoint-steps 1 >out 2>err &
pid=$!
until [[ -e first/run.safetensors ]] || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
awk -v a="$begin" -v b="$EPOCHREALTIME" \
  'BEGIN { printf "hone train cnn: the first step is saved after %.2f s\n", b - a }'
kill -KILL $pid
wait $pid 2>/dev/null || true

finish
