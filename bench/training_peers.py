#!/usr/bin/env python3
"""Training throughput beside JAX and PyTorch: the zoo's three networks, batch 64, plain SGD, fp32.

  training_peers.py --hone build/release/hone [--jax PYTHON] [--torch PYTHON] [--threads N] [--rounds N]

PYTHON is an interpreter that has the peer (a virtual environment's). The engines take turns, so that a
machine whose speed drifts is as kind to one as to the other; the table gives the median and the best of
the rounds. Each engine trains from data in memory and shuffles; nothing but training is timed.
"""
import argparse
import gzip
import json
import statistics
import subprocess
import sys
import time

FOLDER = "/usr/share/datasets/fashion-mnist/"
BATCH = 64
STEPS = {"linear": 800, "mlp": 800, "cnn": 120}
SLICES = 3


def load():
    import numpy as np

    def read(name, offset):
        with gzip.open(FOLDER + name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).astype(np.float32)
    return (images - np.float32(72.94)) / np.float32(90.02), read("train-labels-idx1-ubyte.gz", 8).astype(np.int64)


def time_steps(network, step, finish):
    """Images per second of the best slice, after one slice of warm-up."""
    import numpy as np

    seconds = []
    for seed in range(SLICES + 1):
        order = np.random.default_rng(seed).permutation(60000)
        start = time.perf_counter()
        for i in range(STEPS[network]):
            step(order[i * BATCH : (i + 1) * BATCH])
        finish()
        seconds.append(time.perf_counter() - start)
    return BATCH * STEPS[network] / min(seconds[1:])


def run_torch(threads):
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    images, labels = load()
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    makers = {
        "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
        "cnn": lambda: nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10)),
    }
    out = {}
    for name, make in makers.items():
        model = make()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        criterion = nn.CrossEntropyLoss()

        def step(rows):
            rows = torch.from_numpy(rows)
            optimizer.zero_grad(set_to_none=True)
            criterion(model(images[rows]), labels[rows]).backward()
            optimizer.step()

        out[name] = time_steps(name, step, lambda: None)
    return out


def run_jax(threads):
    del threads  # XLA takes the cores that the process may use
    import jax
    import jax.numpy as jnp
    import numpy as np

    images, labels = load()
    nhwc = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    rng = np.random.default_rng(0)

    def layer(*shape):
        fan_in = int(np.prod(shape[:-1]))
        return [jnp.asarray(rng.standard_normal(shape) / np.sqrt(fan_in), jnp.float32), jnp.zeros(shape[-1])]

    def conv(x, w, b):
        dims = ("NHWC", "HWIO", "NHWC")
        y = jax.nn.relu(jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=dims) + b)
        return jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def dense(x, layers):
        x = x.reshape(x.shape[0], -1)
        for w, b in layers[:-1]:
            x = jax.nn.relu(x @ w + b)
        return x @ layers[-1][0] + layers[-1][1]

    networks = {
        "linear": (lambda p, x: dense(x, p), [layer(784, 10)]),
        "mlp": (lambda p, x: dense(x, p), [layer(784, 128), layer(128, 10)]),
        "cnn": (lambda p, x: dense(conv(conv(x, *p[0]), *p[1]), p[2:]),
                [layer(3, 3, 1, 32), layer(3, 3, 32, 64), layer(1600, 128), layer(128, 10)]),
    }
    out = {}
    for name, (forward, p) in networks.items():

        def loss(p, x, y):
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(forward(p, x)), y[:, None], 1))

        update = jax.jit(
            lambda p, x, y: jax.tree.map(lambda a, g: a - 0.01 * g, p, jax.grad(loss)(p, x, y)), donate_argnums=0)
        box = [p]

        def step(rows):
            box[0] = update(box[0], nhwc[rows], labels[rows])

        out[name] = time_steps(name, step, lambda: jax.block_until_ready(box[0]))
    return out


def run_hone(tool, threads):
    out = {}
    for name in STEPS:
        command = [tool, "train", name, "--optimizer", "sgd", "--lr", "0.01", "--val-split", "0", "--quiet", "--json",
                   "--threads", str(threads), "--epochs", "1" if name == "cnn" else "3"]
        out[name] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["images_per_s"]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hone")
    parser.add_argument("--jax")
    parser.add_argument("--torch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", help=argparse.SUPPRESS)  # this script, inside a peer's interpreter
    args = parser.parse_args()
    if args.engine:
        print(json.dumps({"jax": run_jax, "torch": run_torch}[args.engine](args.threads)))
        return
    peers = {name: python for name, python in [("jax", args.jax), ("torch", args.torch)] if python}
    rates = {engine: {network: [] for network in STEPS} for engine in ["hone", *peers]}
    for _ in range(args.rounds):
        for engine in rates:
            if engine == "hone":
                result = run_hone(args.hone, args.threads)
            else:
                command = [peers[engine], __file__, "--engine", engine, "--threads", str(args.threads)]
                result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            for network, rate in result.items():
                rates[engine][network].append(rate)
    print(f"images/s at batch {BATCH}, {args.threads} threads, median (best) of {args.rounds} rounds")
    for network in STEPS:
        row = [f"{engine} {statistics.median(r[network]):,.0f} ({max(r[network]):,.0f})" for engine, r in rates.items()]
        ratios = [f"hone/{e} {statistics.median(rates['hone'][network]) / statistics.median(rates[e][network]):.2f}"
                  for e in peers]
        print(f"{network:8}", "  ".join(row + ratios))


if __name__ == "__main__":
    sys.exit(main())
