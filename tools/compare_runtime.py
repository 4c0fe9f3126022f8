#!/usr/bin/env python3
"""Compares `hone run` with ONNX Runtime on random input, all optional passes on and off.

    compare_runtime.py --hone build/release/hone [--batch N] MODEL.onnx...

Prints how far each output is from ONNX Runtime's, relative to the largest value, and exits with 1 if one
is further than --tolerance. Needs the packages onnxruntime and numpy from PyPI; no part of hone needs
this script.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnxruntime

KINDS = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64}


def draw(spec, batch):
    shape = [d if isinstance(d, int) else batch for d in spec.shape]
    values = numpy.random.default_rng(0).standard_normal(shape)
    return values.astype(KINDS[spec.type])


def run_hone(tool, model, feed, folder, passes):
    inputs = []
    for name, value in feed.items():
        numpy.save(folder / f"{name}.in.npy", value)
        inputs += ["--input", f"{name}={folder / f'{name}.in.npy'}"]
    subprocess.run([tool, "run", model, *inputs, "--output-dir", folder, "--quiet"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "HONE_DISABLE_PASSES": passes})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--hone", required=True)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()
    good = True
    for model in args.models:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        feed = {i.name: draw(i, args.batch) for i in session.get_inputs()}
        names = [o.name for o in session.get_outputs()]
        expected = dict(zip(names, session.run(names, feed)))
        for passes in ["", "all"]:
            with tempfile.TemporaryDirectory() as path:
                folder = pathlib.Path(path)
                run_hone(args.hone, model, feed, folder, passes)
                for name, value in expected.items():
                    found = numpy.load(folder / f"{name}.npy")
                    if found.shape != value.shape:
                        sys.exit(f"{model}: '{name}' is {found.shape}, expected {value.shape}")
                    error = float(abs(found.astype("f8") - value).max() / abs(value).max())
                    good &= error <= args.tolerance
                    print(f"{pathlib.Path(model).stem:14} passes {'off' if passes else 'on':4} {name}: {error:.1e}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
