#!/usr/bin/env bash
# Installs the build into a temporary prefix, builds the project in this folder against it, and runs
# it and the installed tool.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$HONE_BUILD" --prefix "$work/a prefix" >"$work/install.log"
cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/a prefix"
cmake --build "$work/build"
"$work/build/user"
if [[ -x $HONE ]]; then "$work/a prefix/bin/hone" --help; fi
