#!/usr/bin/env python3
"""Writes eight deployed networks with random weights as ONNX files.

    write_networks.py DIR [NAME...]

resnet18 resnet50 mobilenetv2 squeezenet shufflenet densenet121 unet transformer, as their papers and
torchvision have them, at 224 x 224 (the U-Net at 128 x 128), the batch symbolic. Weights are drawn so
that activations neither vanish nor grow. Needs the packages onnx and numpy from PyPI; no part of hone
needs this script.
"""
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Nodes and weights of one graph; every method takes and gives names of values."""

    def __init__(self, name, shape):
        self.name = name
        self.rng = numpy.random.default_rng(len(name))
        self.nodes, self.weights, self.channels = [], [], {}
        self.input = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *shape])
        self.channels["input"] = shape[0]

    def op(self, kind, inputs, channels=None, **attributes):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=f"{kind}_{len(self.nodes)}", **attributes))
        self.channels[out] = channels if channels is not None else self.channels.get(inputs[0])
        return out

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def normal(self, *shape, scale=1.0):
        return self.weight((self.rng.standard_normal(shape) * scale).astype(numpy.float32))

    def integers(self, *values):
        return self.weight(numpy.array(values, numpy.int64))

    def conv(self, x, out, kernel, stride=1, pad=None, group=1, bias=False):
        c = self.channels[x] // group
        pad = kernel // 2 if pad is None else pad
        inputs = [x, self.normal(out, c, kernel, kernel, scale=(2 / (c * kernel * kernel)) ** 0.5)]
        if bias:
            inputs.append(self.normal(out, scale=0.1))
        return self.op("Conv", inputs, out, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                       pads=[pad] * 4, group=group)

    def norm(self, x):
        c = self.channels[x]
        positive = [self.weight(self.rng.uniform(0.5, 1.5, c).astype(numpy.float32)) for _ in range(2)]
        shift = [self.normal(c, scale=0.1) for _ in range(2)]
        return self.op("BatchNormalization", [x, positive[0], shift[0], shift[1], positive[1]])

    def relu(self, x):
        return self.op("Relu", [x])

    def conv_norm(self, x, out, kernel, stride=1, group=1):
        return self.norm(self.conv(x, out, kernel, stride, group=group))

    def conv_norm_relu(self, *args, **kwargs):
        return self.relu(self.conv_norm(*args, **kwargs))

    def add(self, a, b):
        return self.op("Add", [a, b])

    def max_pool(self, x, kernel, stride, pad=0, ceil=0):
        return self.op("MaxPool", [x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4,
                       ceil_mode=ceil)

    def classifier(self, x, classes=1000):
        c = self.channels[x]
        x = self.op("Flatten", [self.op("GlobalAveragePool", [x])], axis=1)
        return self.op("Gemm", [x, self.normal(classes, c, scale=c ** -0.5), self.normal(classes)], classes,
                       transB=1)

    def save(self, path, output, shape):
        self.nodes.append(helper.make_node("Identity", [output], ["output"], name="output"))
        out = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", *shape])
        graph = helper.make_graph(self.nodes, self.name, [self.input], [out], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def resnet(path, blocks, bottleneck):
    b = Builder(path.stem, [3, 224, 224])
    x = b.max_pool(b.conv_norm_relu("input", 64, 7, 2), 3, 2, 1)
    for stage, count in enumerate(blocks):
        width = 64 << stage
        out = width * (4 if bottleneck else 1)
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            if bottleneck:
                y = b.conv_norm_relu(x, width, 1)
                y = b.conv_norm_relu(y, width, 3, stride)
                y = b.conv_norm(y, out, 1)
            else:
                y = b.conv_norm_relu(x, width, 3, stride)
                y = b.conv_norm(y, out, 3)
            same = stride == 1 and b.channels[x] == out
            x = b.relu(b.add(y, x if same else b.conv_norm(x, out, 1, stride)))
    b.save(path, b.classifier(x), [1000])


def mobilenetv2(path):
    b = Builder(path.stem, [3, 224, 224])
    low, high = b.weight(numpy.float32(0)), b.weight(numpy.float32(6))
    relu6 = lambda x: b.op("Clip", [x, low, high])
    x = relu6(b.conv_norm("input", 32, 3, 2))
    for expand, out, count, first in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                      (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for block in range(count):
            stride = first if block == 0 else 1
            width = b.channels[x] * expand
            y = x if expand == 1 else relu6(b.conv_norm(x, width, 1))
            y = relu6(b.conv_norm(y, width, 3, stride, group=width))
            y = b.conv_norm(y, out, 1)
            x = b.add(x, y) if stride == 1 and b.channels[x] == out else y
    b.save(path, b.classifier(relu6(b.conv_norm(x, 1280, 1))), [1000])


def squeezenet(path):
    b = Builder(path.stem, [3, 224, 224])
    conv = lambda *args, **kwargs: b.relu(b.conv(*args, bias=True, **kwargs))
    x = b.max_pool(conv("input", 64, 3, 2, 0), 3, 2, ceil=1)
    for squeeze, expand, pools in [(16, 64, 0), (16, 64, 1), (32, 128, 0), (32, 128, 1), (48, 192, 0),
                                   (48, 192, 0), (64, 256, 0), (64, 256, 0)]:
        s = conv(x, squeeze, 1)
        x = b.op("Concat", [conv(s, expand, 1), conv(s, expand, 3)], 2 * expand, axis=1)
        if pools:
            x = b.max_pool(x, 3, 2, ceil=1)
    x = b.op("GlobalAveragePool", [conv(x, 1000, 1)])
    b.save(path, b.op("Flatten", [x], axis=1), [1000])


def shufflenet(path):
    """ShuffleNetV2 x1.0, with the shapes of its shuffles computed in the graph, as exporters write them."""
    b = Builder(path.stem, [3, 224, 224])

    def shuffle(x):
        c = b.channels[x]
        shape = b.op("Shape", [x])
        part = lambda i: b.op("Unsqueeze", [b.op("Gather", [shape, b.weight(numpy.int64(i))], axis=0), b.integers(0)])
        split = b.op("Concat", [part(0), b.integers(2), b.integers(c // 2), part(2), part(3)], axis=0)
        x = b.op("Transpose", [b.op("Reshape", [x, split], c)], c, perm=[0, 2, 1, 3, 4])
        joined = b.op("Concat", [part(0), b.integers(-1), part(2), part(3)], axis=0)
        return b.op("Reshape", [x, joined], c)

    def branch(x, width, stride):
        x = b.conv_norm_relu(x, width, 1)
        return b.conv_norm_relu(b.conv_norm(x, width, 3, stride, group=width), width, 1)

    x = b.max_pool(b.conv_norm_relu("input", 24, 3, 2), 3, 2, 1)
    for out, count in [(116, 4), (232, 8), (464, 4)]:
        width = out // 2
        for block in range(count):
            if block == 0:
                c = b.channels[x]
                left = b.conv_norm_relu(b.conv_norm(x, c, 3, 2, group=c), width, 1)
                right = branch(x, width, 2)
            else:
                cut = lambda begin, end: b.op("Slice", [x, b.integers(begin), b.integers(end), b.integers(1)], width)
                left, right = cut(0, width), branch(cut(width, out), width, 1)
            x = shuffle(b.op("Concat", [left, right], out, axis=1))
    b.save(path, b.classifier(b.conv_norm_relu(x, 1024, 1)), [1000])


def densenet121(path):
    b = Builder(path.stem, [3, 224, 224])
    x = b.max_pool(b.conv_norm_relu("input", 64, 7, 2), 3, 2, 1)
    for stage, count in enumerate([6, 12, 24, 16]):
        for _ in range(count):
            y = b.conv(b.relu(b.norm(x)), 128, 1)
            y = b.conv(b.relu(b.norm(y)), 32, 3)
            x = b.op("Concat", [x, y], b.channels[x] + 32, axis=1)
        if stage < 3:
            x = b.conv(b.relu(b.norm(x)), b.channels[x] // 2, 1)
            x = b.op("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    b.save(path, b.classifier(b.relu(b.norm(x))), [1000])


def unet(path):
    """Two ways up: a transposed convolution and a linear Resize."""
    b = Builder(path.stem, [3, 128, 128])
    double = lambda x, c: b.conv_norm_relu(b.conv_norm_relu(x, c, 3), c, 3)
    x, skips = "input", []
    for width in [16, 32, 64]:
        skips.append(double(x, width))
        x = b.max_pool(skips[-1], 2, 2)
    x = double(x, 128)
    for level, skip in enumerate(reversed(skips)):
        c = b.channels[skip]
        if level % 2 == 0:
            w = b.normal(b.channels[x], c, 2, 2, scale=(1 / b.channels[x]) ** 0.5)
            x = b.op("ConvTranspose", [x, w], c, kernel_shape=[2, 2], strides=[2, 2])
        else:
            x = b.op("Resize", [x, "", b.weight(numpy.array([1, 1, 2, 2], numpy.float32))],
                     mode="linear", coordinate_transformation_mode="half_pixel")
        x = double(b.op("Concat", [skip, x], c + b.channels[x], axis=1), c)
    b.save(path, b.op("Sigmoid", [b.conv(x, 2, 1, bias=True)]), [2, 128, 128])


def transformer(path, layers=2, length=24, width=64, heads=4):
    """An encoder of embedded sequences, with pre-norm, GELU by Erf and a mean over the sequence."""
    b = Builder(path.stem, [length, width])
    dense = lambda x, c, out: b.op("Add", [b.op("MatMul", [x, b.normal(c, out, scale=c ** -0.5)]),
                                           b.normal(out, scale=0.1)])
    norm = lambda x: b.op("LayerNormalization", [x, b.weight(numpy.ones(width, numpy.float32)),
                                                 b.normal(width, scale=0.1)], axis=-1)
    apart = b.integers(0, length, heads, width // heads)
    scale = b.weight(numpy.float32((width // heads) ** -0.5))
    x = b.op("Add", ["input", b.normal(length, width, scale=0.1)])
    for _ in range(layers):
        y = norm(x)
        heads_of = lambda perm: b.op("Transpose", [b.op("Reshape", [dense(y, width, width), apart])], perm=perm)
        q, k, v = heads_of([0, 2, 1, 3]), heads_of([0, 2, 3, 1]), heads_of([0, 2, 1, 3])
        weights = b.op("Softmax", [b.op("Mul", [b.op("MatMul", [q, k]), scale])], axis=-1)
        y = b.op("Transpose", [b.op("MatMul", [weights, v])], perm=[0, 2, 1, 3])
        y = b.op("Reshape", [y, b.integers(0, length, width)])
        x = b.op("Add", [x, dense(y, width, width)])
        y = dense(norm(x), width, 4 * width)
        inner = b.op("Erf", [b.op("Div", [y, b.weight(numpy.float32(2 ** 0.5))])])
        y = b.op("Mul", [b.op("Mul", [y, b.op("Add", [inner, b.weight(numpy.float32(1))])]),
                         b.weight(numpy.float32(0.5))])
        x = b.op("Add", [x, dense(y, 4 * width, width)])
    x = b.op("ReduceMean", [norm(x)], axes=[1], keepdims=0)
    b.save(path, dense(x, width, 10), [10])


NETWORKS = {
    "resnet18": lambda path: resnet(path, [2, 2, 2, 2], False),
    "resnet50": lambda path: resnet(path, [3, 4, 6, 3], True),
    "mobilenetv2": mobilenetv2,
    "squeezenet": squeezenet,
    "shufflenet": shufflenet,
    "densenet121": densenet121,
    "unet": unet,
    "transformer": transformer,
}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        NETWORKS[name](folder / f"{name}.onnx")
        print(folder / f"{name}.onnx")
