#!/usr/bin/env python3
"""Writes the models of another maker that the tool's tests use, beside this file.

Needs onnx and numpy from PyPI: python3 tests/tool/make_models.py
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent


def save(name, nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def value(name, *dims, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, list(dims))


# Ten times the mean of each channel, and a softmax: red, green and blue; for any number of pictures,
# for three, and of nodes that have no names.
weight = np.zeros((3 * 4 * 4, 3), np.float32)
for c in range(3):
    weight[c * 16 : (c + 1) * 16, c] = 10 / 16
for name, batch, layers in (
    ("colours", "N", ("flatten", "head/Gemm", "head/Softmax")),
    ("threes", 3, ("flatten", "head/Gemm", "head/Softmax")),
    ("unnamed", "N", (None, None, None)),
):
    save(
        name,
        [
            helper.make_node("Flatten", ["image"], ["flat"], layers[0]),
            helper.make_node("Gemm", ["flat", "w"], ["means"], layers[1]),
            helper.make_node("Softmax", ["means"], ["probabilities"], layers[2], axis=1),
        ],
        [value("image", batch, 3, 4, 4)],
        [value("probabilities", batch, 3)],
        [numpy_helper.from_array(weight, "w")],
    )

# Two inputs, two outputs, one of them with a name that no file can have.
save(
    "sums",
    [
        helper.make_node("Add", ["left", "right"], ["out/sum"], "add"),
        helper.make_node("Mul", ["left", "right"], ["product"], "mul"),
    ],
    [value("left", "N", 2), value("right", "N", 2)],
    [value("out/sum", "N", 2), value("product", "N", 2)],
)

# An axis that is open and is not the batch.
save(
    "open",
    [helper.make_node("Relu", ["x"], ["y"], "relu")],
    [value("x", "N", "length", 4)],
    [value("y", "N", "length", 4)],
)
