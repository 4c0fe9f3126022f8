#!/usr/bin/env python3
"""What a step of training takes beside the model and its optimiser, in hone and in PyTorch, and what limits cost.

    ./dev bench --memory

Each figure is the growth of a process, from when model and optimiser are made to its peak over some steps; hone's is
also what it planned, PyTorch's the median of three processes. PyTorch comes from PyPI, into build/peers."""
import ctypes
import json
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench/peers"))
HONE = ROOT / "build/release/bench_training_memory"
MB = 1e6
STEPS = 10  # whose median time counts
# (network, shape of a sample, classes, batch)
ROWS = [("cnn", (1, 28, 28), 10, 64), ("resnet18", (3, 32, 32), 10, 64), ("resnet18", (3, 224, 224), 256, 8),
        ("mobilenetv2", (3, 96, 96), 10, 16)]
# Limits, as shares of what a step takes without one.
LIMITED = [(ROWS[2], (1, 0.9, 0.7, 0.62)), (ROWS[3], (1, 0.7, 0.5, 0.4))]


def name(row):
    network, shape, _, batch = row
    return f"`{network}`, {shape[1]}x{shape[2]}, batch {batch}"


def hone(row, *limit):
    network, shape, classes, batch = row
    return json.loads(subprocess.run([HONE, network, *map(str, [*shape, classes, batch, *limit])], check=True,
                                     capture_output=True, text=True).stdout)


def status(key):
    return 1024 * int(re.search(key + r":\s+(\d+)", pathlib.Path("/proc/self/status").read_text())[1])


def torch_worker(row):
    """In PyTorch's interpreter: the growth of this process over a few steps."""
    import numpy
    from engines import torch as engine

    def steps(network, shape, classes, batch):
        images = numpy.zeros((batch, *shape), numpy.float32)
        task = {"network": network, "shape": shape, "classes": classes, "variant": "", "threads": 2}
        step, _ = engine.training(task, images, numpy.arange(batch) % classes)
        return lambda: [step(numpy.arange(batch)) for _ in range(3)]

    steps("mobilenetv2", (3, 32, 32), 10, 2)()  # what the library sets up once
    run = steps(*row)
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is not there to be used again unseen
    before = status("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    run()
    print(status("VmHWM") - before)


def main():
    from environments import Environments

    if len(sys.argv) > 1:
        return torch_worker(json.loads(sys.argv[1]))
    installed = Environments(ROOT / "build/peers", ["torch"])
    print("| network, batch | hone, planned | hone, measured | PyTorch, measured | hone / PyTorch |\n|---|---|---|---|---|")
    for row in ROWS:
        ours = hone(row)
        theirs = statistics.median(int(subprocess.run([installed.python("torch"), __file__, json.dumps(row)], check=True,
                                                      capture_output=True, text=True).stdout) for _ in range(3))
        print(f"| {name(row)} | {ours['planned'] / MB:.1f} MB "
              f"| {ours['measured'] / MB:.1f} MB | {theirs / MB:.1f} MB | **{ours['measured'] / theirs:.2f}** |", flush=True)
    print("\n| network | limit | planned | measured | arithmetic | time of a step |\n|---|---|---|---|---|---|")
    for row, shares in LIMITED:
        whole = hone(row)["planned"]
        for share in shares:
            found = hone(row, int(share * whole), STEPS)
            print(f"| {name(row)} | {share:.0%} | {found['planned'] / MB:.1f} MB | {found['measured'] / MB:.1f} MB "
                  f"| +{found['recomputed']:.1%} | {found['step_ms']:.0f} ms |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
