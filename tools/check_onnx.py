#!/usr/bin/env python3
"""Checks an ONNX file that hone wrote, with other people's tools.

    check_onnx.py MODEL.onnx [--input NAME=X.npy ... --expect OUTPUT=Y.npy ...]

Runs onnx.checker with full shape inference; with inputs, also runs the model in ONNX Runtime and
prints how far each expected output is from what it gives. Exits with 1 if the model is invalid or an
output is further away than --tolerance (relative to the largest value). Needs the packages onnx and,
to run, onnxruntime and numpy from PyPI; no part of hone needs this script.
"""
import argparse
import sys

import onnx


def pairs(items):
    return dict(item.split("=", 1) for item in items)


def run(model_path, inputs, expected, tolerance):
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(model_path, providers=["CPUExecutionProvider"])
    feed = {name: numpy.load(path) for name, path in inputs.items()}
    names = list(expected) or [o.name for o in session.get_outputs()]
    good = True
    for name, value in zip(names, session.run(names, feed)):
        if name not in expected:
            print(f"{name}: {value.dtype}{list(value.shape)}")
            continue
        want = numpy.load(expected[name])
        if want.shape != value.shape or want.dtype != value.dtype:
            print(f"{name}: expected {want.dtype}{list(want.shape)}, found {value.dtype}{list(value.shape)}")
            good = False
            continue
        gap = numpy.max(numpy.abs(want.astype("f8") - value.astype("f8")), initial=0)
        scale = numpy.max(numpy.abs(want.astype("f8")), initial=0)
        close = bool(gap <= tolerance * max(scale, 1e-30))
        print(f"{name}: {'ok' if close else 'WRONG'}, largest difference {gap:.3g} of {scale:.3g}")
        good &= close
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=X.npy")
    parser.add_argument("--expect", action="append", default=[], metavar="OUTPUT=Y.npy")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    args = parser.parse_args()

    model = onnx.load(args.model)
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        sys.exit(f"{args.model}: {error}")
    opset = model.opset_import[0].version
    print(f"{args.model}: valid, opset {opset}, {len(model.graph.node)} nodes")
    if args.input and not run(args.model, pairs(args.input), pairs(args.expect), args.tolerance):
        sys.exit(1)


if __name__ == "__main__":
    main()
