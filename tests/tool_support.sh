# What the tests of the tool share; sourced by them. Needs HONE. Makes $work, a folder that goes
# when the test ends. Shell tools only: a bare Debian has no Python.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C.UTF-8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'echo "$0:$LINENO: a command failed" >&2' ERR
failures=0

problem() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}
# True where `script` can run a command in a terminal of its own; a bare root has none.
has_terminals() { script -qc true /dev/null >/dev/null 2>&1 </dev/null; }
# At the end of a test: exits 1 if there was a problem.
finish() {
  if ((failures)); then
    echo "$failures failed" >&2
    exit 1
  fi
  echo "all passed"
}

fashion_mnist=${HONE_DATA_DIR:-/usr/share/datasets/fashion-mnist}
[[ ! -d $fashion_mnist/fashion-mnist ]] || fashion_mnist=$fashion_mnist/fashion-mnist

# Numbers as 4 bytes each, the highest first.
be32() {
  local n
  for n; do
    # shellcheck disable=SC2059 # the format is the bytes
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((n >> 24 & 255)) $((n >> 16 & 255)) \
      $((n >> 8 & 255)) $((n & 255)))"
  done
}
# idx DIM... <elements: an IDX file of u8.
idx() {
  # shellcheck disable=SC2059
  printf "$(printf '\\0\\0\\010\\%03o' $#)"
  be32 "$@"
  cat
}
# npy DTYPE SHAPE <elements: an array as NumPy writes it.
npy() {
  printf '\223NUMPY\1\0\166\0%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }"
  cat
}
# The first $2 elements of $3 bytes of the gzipped IDX file $1, whose header has $4 bytes.
elements_of() { head -c $(($2 * $3)) < <(zcat "$fashion_mnist/$1" | tail -c +$(($4 + 1))); }

# small_data FOLDER [TRAIN [TEST]]: a folder of IDX files, cut from Fashion-MNIST.
small_data() {
  local folder=$1 train=${2:-400} test=${3:-100}
  mkdir -p "$folder"
  elements_of train-images-idx3-ubyte.gz "$train" 784 16 | idx "$train" 28 28 \
    >"$folder/train-images-idx3-ubyte"
  elements_of train-labels-idx1-ubyte.gz "$train" 1 8 | idx "$train" >"$folder/train-labels-idx1-ubyte"
  elements_of t10k-images-idx3-ubyte.gz "$test" 784 16 | idx "$test" 28 28 \
    >"$folder/t10k-images-idx3-ubyte"
  elements_of t10k-labels-idx1-ubyte.gz "$test" 1 8 | idx "$test" >"$folder/t10k-labels-idx1-ubyte"
}
