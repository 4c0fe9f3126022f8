#!/usr/bin/env python3
"""Records the loss of each training step in float64, with JAX, for tests/recorded_losses_test.cc.

Everything that is not arithmetic is made so that both sides can make it: weights come from an integer
hash, batches are the training images in file order. Constants are rounded to float32 as hone's are, so
that the double-precision interpreter can be held against the recording to nine digits.

Usage: record_losses.py OUT.json    (needs numpy and jax; reads Debian's dataset-fashion-mnist)
"""
import gzip
import json
import sys

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

FOLDER = "/usr/share/datasets/fashion-mnist/"
BATCH = 64
F32 = np.float32


def rounded(x):
    """A number as hone's graph holds it."""
    return float(F32(x))


def load():
    def read(name, offset):
        with gzip.open(FOLDER + name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    return images, read("train-labels-idx1-ubyte.gz", 8).astype(np.int64)


def weight(shape, salt, scale):
    """Element i is scale * (h(i) / 2^23 - 1), h a 24-bit hash: exact in float32 but for the product."""
    i = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(salt) * np.uint64(1000003)
    h = (i * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    h = (((h ^ (h >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)) >> np.uint64(8)
    unit = (h.astype(F32) * F32(2.0**-23) - F32(1)).astype(F32)
    return (unit * F32(scale)).astype(F32).reshape(shape).astype(np.float64)


def parameters(shapes):
    out = []
    for salt, shape in enumerate(shapes):
        fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        out.append(weight(shape, salt, 1 / np.sqrt(fan_in)))
        out.append(np.zeros(shape[0] if len(shape) == 4 else shape[1]))
    return out


def linear(p, x):
    return x.reshape(x.shape[0], -1) @ p[0] + p[1]


def mlp(p, x):
    return jnp.maximum(x.reshape(x.shape[0], -1) @ p[0] + p[1], 0) @ p[2] + p[3]


def cnn(p, x):
    def conv(x, w, b):
        dims = ("NCHW", "OIHW", "NCHW")
        y = jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=dims)
        return jnp.maximum(y + b[None, :, None, None], 0)

    def pool(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    x = pool(conv(x, p[0], p[1]))
    x = pool(conv(x, p[2], p[3]))
    return jnp.maximum(x.reshape(x.shape[0], -1) @ p[4] + p[5], 0) @ p[6] + p[7]


NETWORKS = {
    "linear": (linear, [(784, 10)]),
    "mlp": (mlp, [(784, 128), (128, 10)]),
    "cnn": (cnn, [(32, 1, 3, 3), (64, 32, 3, 3), (1600, 128), (128, 10)]),
}


def sgd(lr):
    return (lambda p: None), lambda p, g, s: ([a - rounded(lr) * b for a, b in zip(p, g)], s)


def adam(lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    b1, b2, c1, c2 = rounded(beta1), rounded(beta2), rounded(1 - beta1), rounded(1 - beta2)

    def start(p):
        return 0.0, 0.0, [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]

    def update(p, g, s):
        k1, k2, m, v = s
        k1, k2 = k1 * b1 + c1, k2 * b2 + c2
        m = [b1 * a + c1 * b for a, b in zip(m, g)]
        v = [b2 * a + c2 * b * b for a, b in zip(v, g)]
        p = [a - rounded(lr) * (b / k1) / (jnp.sqrt(c / k2) + rounded(epsilon)) for a, b, c in zip(p, m, v)]
        return p, (k1, k2, m, v)

    return start, update


def record(forward, shapes, optimizer, steps, images, labels):
    start, update = optimizer
    p = [jnp.asarray(a) for a in parameters(shapes)]
    state = start(p)
    mean, scale = rounded(72.94), rounded(1 / 90.02)

    def loss(p, x, y):
        z = forward(p, x)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))

    value_and_grad = jax.jit(jax.value_and_grad(loss))
    losses = []
    for step in range(steps):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        value, grads = value_and_grad(p, (images[rows].astype(np.float64) - mean) * scale, labels[rows])
        losses.append(float(value))
        p, state = update(p, grads, state)
    return losses


def main():
    images, labels = load()
    out = {"made by": "tools/record_losses.py, JAX " + jax.__version__ + ", float64"}
    for name, optimizer, steps in [
        ("linear/sgd", sgd(0.01), 50),
        ("mlp/sgd", sgd(0.01), 50),
        ("cnn/sgd", sgd(0.01), 20),
        ("linear/adam", adam(0.001), 10),
        ("mlp/adam", adam(0.001), 10),
        ("cnn/adam", adam(0.001), 10),
    ]:
        forward, shapes = NETWORKS[name.split("/")[0]]
        out[name] = record(forward, shapes, optimizer, steps, images, labels)
    with open(sys.argv[1], "w") as file:
        json.dump(out, file, indent=1)
        file.write("\n")


main()
