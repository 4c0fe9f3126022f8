#!/usr/bin/env bash
# Damaged files, wrong usage and places that cannot be written: each gives one line that says what is
# wrong, the right exit code, nothing on stdout with --json, and no half-written file.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
cd "$work"

# refused CODE PATTERN ARGUMENT...: the tool says one line that matches, and exits with CODE.
refused() {
  local code=$1 pattern=$2 found=0
  shift 2
  "$HONE" "$@" >out 2>err || found=$?
  ((found == code)) || problem "hone $*: exit code $found, expected $code: $(cat err)"
  [[ $(wc -l <err) == 1 && $(<err) == "hone: error: "* ]] ||
    problem "hone $*: expected one line 'hone: error: ...', found: $(cat err)"
  grep -qE -- "$pattern" err || problem "hone $*: expected /$pattern/, found: $(cat err)"
  [[ $* != *--json* || ! -s out ]] || problem "hone $*: stdout is not empty: $(cat out)"
  [[ -z $(find . -name '*.tmp') ]] || problem "hone $*: left $(find . -name '*.tmp')"
}
# bad_data PATTERN: training on the folder `bad` is refused.
bad_data() { refused 1 "$1" train linear --data bad --epochs 1 --json --quiet -o never.onnx; }
# A fresh copy of the good data, to be damaged.
fresh() {
  rm -rf bad
  cp -r good bad
}
# set_byte FILE OFFSET OCTAL
set_byte() {
  # shellcheck disable=SC2059
  printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

small_data good
"$HONE" train mlp --data good --epochs 1 --quiet -o mlp.onnx --checkpoint checkpoint >/dev/null
images=train-images-idx3-ubyte labels=train-labels-idx1-ubyte

# Data sets.
fresh && gzip bad/$images && truncate -s 5000 bad/$images.gz
bad_data "bad/$images.gz.*truncated"
fresh && gzip bad/$images && set_byte bad/$images.gz 3000 377 && set_byte bad/$images.gz 3001 377
bad_data "bad/$images.gz.*corrupt"
fresh && set_byte bad/$images 0 1
bad_data "bad/$images.*expected an IDX file.*found 01 00"
fresh && set_byte bad/$images 2 17
bad_data "bad/$images.*expected an IDX element type"
fresh && truncate -s 100000 bad/$images
bad_data "bad/$images.*needs 313600 bytes"
fresh && printf x >>bad/$images
bad_data "bad/$images.*found more"
fresh && elements_of $labels.gz 399 1 8 | idx 399 >bad/$labels
bad_data "bad/$images' has 400 images.*bad/$labels' has 399 labels"
fresh && set_byte bad/t10k-labels-idx1-ubyte 20 310
bad_data "bad/t10k-labels.*expected labels in \[0, 10\), found 200 at image 12"
fresh && idx 0 28 28 </dev/null >bad/$images && idx 0 </dev/null >bad/$labels
bad_data "bad/$images.*at least one image"
fresh && elements_of t10k-images-idx3-ubyte.gz 100 64 16 | idx 100 8 8 >bad/t10k-images-idx3-ubyte
bad_data "bad'.*\[400,1,28,28\].*\[100,1,8,8\]"
fresh && rm bad/$labels
bad_data "no file 'train-labels.*bad"
rm -rf bad
bad_data "no data set 'bad'.*fashion-mnist.*folder"

# Data and options that do not fit the model or each other.
mkdir small
for part in train t10k; do
  elements_of $part-images-idx3-ubyte.gz 100 64 16 | idx 100 8 8 >small/$part-images-idx3-ubyte
  elements_of $part-labels-idx1-ubyte.gz 100 1 8 | idx 100 >small/$part-labels-idx1-ubyte
done
refused 1 "mlp.onnx' takes images of shape \[1,28,28\], 'small test' has \[1,8,8\]" \
  eval mlp.onnx --data small --json
refused 1 "mlp.onnx' takes images.*small train" train mlp.onnx --data small --json
refused 1 "mlp.onnx' takes images.*small test" predict mlp.onnx 0 --data small --json
cp -r good many
set_byte many/$labels 20 14
refused 1 "mlp.onnx' has 10 classes, 'many test' has 13" eval mlp.onnx --data many --json
refused 1 "batch of 1000 is larger than data set 'good train' of 360" \
  train mlp --data good --batch 1000 --json
refused 1 "expected at most as many shards" train mlp --data good --shards 100 --json
refused 1 "momentum 0.9: expected --optimizer sgd or nesterov, found adam" \
  train mlp --data good --momentum 0.9 --json
refused 1 "momentum 0: expected a number above 0 with nesterov" \
  train mlp --data good --optimizer nesterov --momentum 0 --json
refused 1 "memory limit of 2048 bytes is too low: expected at least" \
  train cnn --data good --memory-limit 2K --json
for size in 10x -1 0 M 1e3 9999999T; do
  refused 2 "memory-limit: expected a size such as 512M or 2GiB, found '$size'" \
    train mlp --data good "--memory-limit=$size" --json
done
refused 1 "expected --val-split above 0" train mlp --data good --best --val-split 0 --json
refused 1 "crop_pad 30: expected 0 to 27" train mlp --data good --crop 30 --json

# Models.
head -c 5000 mlp.onnx >cut.onnx
refused 1 "cut.onnx': truncated, corrupt" eval cut.onnx --data good --json
head -c 300 /dev/zero | cat - mlp.onnx >noise.onnx
refused 1 "noise.onnx': truncated, corrupt" inspect noise.onnx --json
: >empty.onnx
refused 1 "empty.onnx': not an ONNX model" inspect empty.onnx --json
refused 1 "cannot read 'absent.onnx': No such file" eval absent.onnx --data good --json
refused 1 "cannot read 'good': Is a directory" inspect good --json
LC_ALL=C sed 's/Relu/Relv/' mlp.onnx >foreign.onnx
refused 1 "foreign.onnx': hone cannot run the model: node '.*' \(Relv, opset 17\): hone has no such op" eval foreign.onnx --data good --json
"$HONE" inspect foreign.onnx --json >out 2>err || problem "inspect of unsupported ops: $(cat err)"
tr -d ' \n' <out | grep -q '"unsupported":\[{"name":"[^"]*","op":"Relv"' || problem "inspect: $(cat out)"

# Arrays.
printf 'no array' >wrong.npy
refused 1 "wrong.npy': not a .npy file" predict mlp.onnx wrong.npy --json
head -c 784 /dev/zero | npy '|u1' '(27, 28)' >shape.npy
refused 1 "shape.npy'.*" predict mlp.onnx shape.npy --json
head -c 756 /dev/zero | npy '|u1' '(27, 28)' >shape.npy
refused 1 "shape.npy': expected images of shape \[1,28,28\], found \[27,28\]" \
  predict mlp.onnx shape.npy --json
head -c 6272 /dev/zero | npy '<i8' '(28, 28)' >type.npy
refused 1 "type.npy': expected u8 or f32 pixels, found i64" predict mlp.onnx type.npy --json
head -c 700 /dev/zero | npy '|u1' '(28, 28)' >cut.npy
refused 1 "cut.npy'" predict mlp.onnx cut.npy --json
refused 1 "no file 'absent.npy': expected a PNG, JPEG or .npy file, or the number" predict mlp.onnx absent.npy --json
refused 1 "good test' has no image 100: expected a number in \[0, 100\)" \
  predict mlp.onnx 100 --data good --json

# Checkpoints.
resume() { # PATTERN ARGUMENT...
  local pattern=$1
  shift
  refused 1 "$pattern" train "$@" --data good --epochs 2 --checkpoint checkpoint --resume --json
}
run=checkpoint/run.safetensors
resume "$run' is of another network.*'conv1.bias'" cnn
resume "$run: expected a run with seed 5, found 0" mlp --seed 5
resume "$run: expected a run with batch 32, found 64" mlp --batch 32
resume "$run' is of another network, optimiser or data" mlp --lr 0.1
cp $run saved
refused 1 "'checkpoint' already holds a run: give --resume.*or another folder" \
  train mlp --data good --checkpoint checkpoint --json
cmp -s saved $run || problem "a refused run changed the checkpoint that was there"
sed -i 's/"numerics_version":"[0-9]"/"numerics_version":"9"/' $run
cmp -s saved $run && problem "the checkpoint's numerics version was not found"
resume "$run' has numerics version 9, this hone has" mlp
head -c 100000 saved >$run
resume "$run'" mlp
head -c 20 saved >$run
resume "$run'" mlp
printf 'some text that is no safetensors' >$run
resume "$run'" mlp
cp saved $run
"$HONE" train mlp --data good --epochs 2 --checkpoint checkpoint --resume --quiet >/dev/null ||
  problem "the checkpoint was harmed by what was refused"

# Outputs.
refuse_output() { # PATTERN FILE
  refused 1 "$1" train linear --data good --epochs 1 --quiet --json -o "$2"
  refused 1 "$1" train linear --data good --epochs 1 --quiet --json --report "$2"
}
refuse_output "cannot write 'absent/x': there is no folder" absent/x
refuse_output "cannot write 'mlp.onnx/x': there is no folder" mlp.onnx/x
refuse_output "cannot write 'good': Is a directory" good
ln -s nowhere/x link
refuse_output "cannot write 'link': there is no folder '.*/nowhere'" link
refused 1 "checkpoint folder 'mlp.onnx/c'" train linear --data good --json --checkpoint mlp.onnx/c
refused 1 "TensorBoard folder 'mlp.onnx/c'" train linear --data good --json --tensorboard mlp.onnx/c
mkdir -p closed
chmod a-w closed
((EUID == 0)) || refuse_output "cannot write 'closed/x': Permission denied" closed/x
refused 1 "cannot write '/dev/full': No space left" \
  train linear --data good --epochs 1 --quiet --json -o /dev/full
found=0
"$HONE" eval mlp.onnx --data good --json >/dev/full 2>err || found=$?
[[ $found == 1 && $(<err) == "hone: error: cannot write to the standard output" ]] ||
  problem "a full standard output: exit code $found, $(cat err)"
# A limit on the size of files acts as a full disk does, once its signal is ignored.
found=0
(
  trap '' XFSZ
  ulimit -f 100
  exec "$HONE" train mlp --data good --epochs 1 --quiet --json -o limited.onnx
) >out 2>err || found=$?
[[ $found == 1 && $(<err) == "hone: error: cannot write 'limited.onnx': File too large" && ! -s out ]] ||
  problem "a limit on files: exit code $found, $(cat err)"
[[ -z $(ls limited.onnx* 2>/dev/null) ]] || problem "left $(ls limited.onnx*)"
mkdir -p disk
if mount -t tmpfs -o size=200k tmpfs disk 2>/dev/null; then
  trap 'umount "$work/disk"; rm -rf "$work"' EXIT
  refused 1 "cannot write 'disk/x.onnx': No space left" \
    train mlp --data good --epochs 1 --quiet --json -o disk/x.onnx
  refused 1 "cannot write 'disk/c/run.safetensors': No space left" \
    train mlp --data good --epochs 1 --quiet --json --checkpoint disk/c
  [[ -z $(find disk -type f) ]] || problem "a full disk: left $(find disk -type f)"
  mount -o remount,ro disk
  refuse_output "cannot write 'disk/x': Read-only file system" disk/x
else
  echo "skipped: a full disk and one that is read-only: this machine allows no mount" >&2
fi

# Usage.
refused 2 "unknown option '--epoch': did you mean '--epochs'\?.*hone train --help" train mlp --epoch 3
refused 2 "unknown option '--jsn': did you mean '--json'" eval mlp.onnx --jsn
refused 2 "unknown verb 'trian': did you mean 'train'" trian mlp
refused 2 "expected a verb, one of train, new, eval, predict, run, inspect, bench, profile, weights, doctor"
refused 2 "MODEL is required" train --json
refused 2 "INPUT is required" predict mlp.onnx
refused 2 "unexpected argument 'extra'" eval mlp.onnx extra
refused 2 "resume requires --checkpoint" train mlp --resume
refused 2 "checkpoint-steps requires --checkpoint" train mlp --checkpoint-steps 3
refused 2 "epochs: expected a whole number of at least 1, found '0'" train mlp --epochs 0
refused 2 "epochs: expected .*found '3x'" train mlp --epochs 3x
refused 2 "lr: expected a number above 0, found 'nan'" train mlp --lr nan
refused 2 "seed: expected .*found '-1'" train mlp --seed -1
refused 2 "threads: expected a whole number from 1 to 1024" train mlp --threads 100000
refused 2 "optimizer.*adm.*sgd" train mlp --optimizer adm
refused 1 "cannot write 'none/x.onnx'" new mlp -o none/x.onnx
refused 2 "--flip excludes --no-flip" train mlp --flip --no-flip
refused 1 "no model 'mpl': expected one of linear, mlp, cnn, resnet20, resnet18, mobilenetv2, or an ONNX file" train mpl --json

[[ ! -e never.onnx ]] || problem "a refused run wrote its output"
finish
