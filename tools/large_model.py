#!/usr/bin/env python3
"""Writes an ONNX model of large matrix products, to measure what loading one costs.

    tools/large_model.py OUT.onnx [--gib 1] [--external]

A chain of products with 4096 x 4096 matrices, 64 MiB each, with random weights from a fixed seed. Needs
PyPI's onnx and numpy. With --external the weights are in OUT.onnx.data, as they must be beyond 2 GiB.
"""
import argparse

import numpy
import onnx
from onnx import helper, numpy_helper

SIDE = 4096


def model(count):
    random = numpy.random.default_rng(0)
    weights, nodes = [], []
    for i in range(count):
        values = random.standard_normal((SIDE, SIDE), dtype=numpy.float32) / SIDE**0.5
        weights.append(numpy_helper.from_array(values, f"w{i}"))
        output = "y" if i == count - 1 else f"h{i + 1}"
        nodes.append(helper.make_node("MatMul", [f"h{i}" if i else "x", f"w{i}"], [output]))
    vector = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["N", SIDE]) for n in "xy"]
    graph = helper.make_graph(nodes, "large", vector[:1], vector[1:], weights)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--external", action="store_true")
    args = parser.parse_args()
    beside = args.out.rpartition("/")[2] + ".data"
    onnx.save_model(
        model(round(args.gib * 16)),
        args.out,
        save_as_external_data=args.external,
        location=beside if args.external else None,
    )


if __name__ == "__main__":
    main()
