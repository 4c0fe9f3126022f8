#!/usr/bin/env bash
# Pictures in files and folders, for hone's own network and for one of another maker.
# shellcheck source=tests/tool_support.sh
source "$(dirname "$0")/../tool_support.sh"
models=$(cd "$(dirname "$0")" && pwd)
cd "$work"
small_data data

# expect PATTERN ARGUMENT...: the tool's output has a line that matches.
expect() {
  local pattern=$1
  shift
  "$HONE" "$@" >out 2>err || problem "hone $*: $(cat err)"
  grep -qE -- "$pattern" out || problem "hone $*: expected /$pattern/, found: $(cat out err)"
}
refused() {
  local pattern=$1 found=0
  shift
  "$HONE" "$@" >out 2>err || found=$?
  [[ $found == 1 && $(wc -l <err) == 1 && ! -s out ]] ||
    problem "hone $*: exit code $found: $(cat out err)"
  grep -qE -- "$pattern" err || problem "hone $*: expected /$pattern/, found: $(cat err)"
}

# A JPEG of 8 x 8 pixels: left 250 20 30, right 10 200 40.
base64 -d >half.jpg <<'END'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsL
EBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU
FBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAIAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAYEAEA
AwEAAAAAAAAAAAAAAAAABkSDwv/EABQBAQAAAAAAAAAAAAAAAAAAAAf/xAAfEQABAAsAAAAAAAAAAAAAAAAAAQMEBQcz
N0GDtPD/2gAMAwEAAhEDEQA/AIiAX8+gAQ0zU9YJ4/VIemHXVH//2Q==
END
# Grey PNGs: the pictures of a report are test images.
"$HONE" train mlp --data data --epochs 1 --quiet -o mlp.onnx --report report.html >/dev/null
mkdir -p folder/1 folder/7
n=0
while read -r picture && ((n < 4)); do
  base64 -d <<<"$picture" >"folder/$((n % 2 ? 7 : 1))/$n.png"
  n=$((n + 1))
done < <(grep -o 'data:image/png;base64,[A-Za-z0-9+/=]*' report.html | cut -d, -f2)
((n == 4)) || problem "the report holds $n pictures"

# The network of another maker: softmax(10 * means), which must not meet a second softmax.
colours=$models/colours.onnx
feed=(--scale 1/255 --resize stretch)
expect '^half.jpg  0  6[0-9]\.[0-9]%$' predict "$colours" half.jpg "${feed[@]}"
grep -qx 'fed: \[3,4,4\] RGB, stretched to 4x4, pixels 0 to 255 \* 0.00392157' err ||
  problem "what was fed: $(cat err)"
expect '^ +1  [0-9.]+%$' predict "$colours" half.jpg "${feed[@]}" --top 2
[[ $(wc -l <out) == 2 ]] || problem "--top 2: $(cat out)"
expect '^half.jpg  1  ' predict "$colours" half.jpg "${feed[@]}" --mean .4,0,0 --std 1,1,.5
expect '"resize": "the shorter side to 5, the middle 4x4"' predict "$colours" half.jpg --resize 5 --json
grep -q '"predictions": \[' out || problem "predict --json: $(cat out)"
[[ ! -s err ]] || problem "predict --json: $(cat err)"
"$HONE" predict "$colours" half.jpg --resize 5 --quiet >out 2>err
[[ ! -s err ]] || problem "predict --quiet: $(cat err)"

# The same network for three pictures at a time, and of nodes without names.
threes=$models/threes.onnx unnamed=$models/unnamed.onnx
for verb in "predict MODEL half.jpg" "eval MODEL --data folder"; do
  for model in "$colours" "$threes" "$unnamed"; do
    # shellcheck disable=SC2086
    "$HONE" ${verb//MODEL/$model} "${feed[@]}" 2>err | sed 's/, [0-9]* images.s//' \
      >"$(basename "$model").out" || problem "$verb: $(cat err)"
  done
  for model in threes unnamed; do
    cmp colours.onnx.out $model.onnx.out || problem "$verb: $(cat ./*.onnx.out)"
  done
done

# hone's own, on pictures and on a folder of them; grey pictures for a network of colours.
expect '^folder/1/0.png  [0-9]+  [0-9.]+%$' predict mlp.onnx folder/1/0.png
expect '^half.jpg  ' predict mlp.onnx half.jpg --resize 28x28
expect ' on 4 test images of folder test' eval mlp.onnx --data folder
expect '"samples": 4,' eval mlp.onnx --data folder --json
expect ' on 4 test images' eval "$colours" --data folder "${feed[@]}"
mkdir -p split/train split/test
cp -r folder/* split/train
cp -r folder/* split/test
expect 'split train: 4 training, 0 validation, 4 test' train mlp --data split --epochs 1 --batch 2 --val-split 0
expect ' on 4 test images of split test' eval mlp.onnx --data split
expect '^wrote small.onnx' train mlp --data split --epochs 1 --batch 2 --resize 20 -o small.onnx
expect '^test: ' train "$unnamed" --data split --epochs 1 --batch 2 --val-split 0 --resize stretch
expect '"shape":' eval small.onnx --data split --resize 20 --json
refused "data' cannot be resized: expected a folder of pictures" train mlp --data data --resize 20

# Bad input.
refused "colours.onnx' has 3 classes, 'data test' has 10" eval "$colours" --data data "${feed[@]}"
refused "half.jpg': expected 4x4 pixels, found 8x8 \(--resize" predict "$colours" half.jpg --json
refused "half.jpg': cannot cut 4x4 out of a picture of 2x2" \
  predict "$colours" half.jpg --resize 2 --quiet
refused "resize: expected .*found 'big'" predict "$colours" half.jpg --resize big
refused "scale: expected a number.*found 'x'" predict "$colours" half.jpg --scale x
refused "mean: expected 1 or 3 numbers, found 2" predict "$colours" half.jpg --mean 1,2
refused "std: expected numbers above 0, found 0" predict "$colours" half.jpg --std 0
refused "no output 'logits'.*'probabilities' f32\[N,3\]" predict "$colours" half.jpg --output logits
head -c 200 half.jpg >cut.jpg
refused "cut.jpg': damaged JPEG" predict "$colours" cut.jpg --resize stretch --quiet
head -c 80 folder/1/0.png >cut.png
refused "cut.png': (damaged|truncated) PNG" predict mlp.onnx cut.png --json
echo text >text.png
refused "text.png': expected a PNG or JPEG picture" predict mlp.onnx text.png --json
cp text.png folder/7/
refused "folder/7/text.png': expected a PNG" eval mlp.onnx --data folder --json
rm -r folder/1 folder/7/*
refused "folder': expected PNG or JPEG pictures" eval mlp.onnx --data folder --json
refused "expected a classifier, with an output|expected one input, found 2" \
  eval "$models/sums.onnx" --data data --json

finish
