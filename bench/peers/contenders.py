"""Who is measured: hone by its own tool, a peer by worker.py inside its environment. One process a measurement, so
that no other's threads are there to disturb it."""
import dataclasses
import json
import math
import os
import pathlib
import signal
import statistics
import subprocess

from environments import last_line

WORKER = pathlib.Path(__file__).with_name("worker.py")
LONGEST = 600  # seconds; compiling included
# Those that run a network of 8 bits as ONNX says it.
RUN_BYTES = ("onnxruntime", "openvino")
# engine: the kinds of rows that it takes
TAKES = {"onnxruntime": "infer", "openvino": "infer", "mnn": "infer", "jax": "train", "keras": "train",
         "torch": "both", "torch-nhwc": "images", "torch-compile": "both"}


@dataclasses.dataclass
class Measurement:
    median: float  # us a run, or images/s
    best: float


def output_of(command, environment=None):
    """The JSON object that ends what a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, env=environment)
    if done.returncode < 0:
        raise RuntimeError(f"ended by {signal.Signals(-done.returncode).name}")
    if done.returncode != 0:
        raise RuntimeError(last_line(done.stderr))
    return json.loads(done.stdout[done.stdout.rindex("\n{") if "\n{" in done.stdout else 0:])


class Hone:
    name = "hone"

    def __init__(self, tool, threads, seconds):
        self.tool, self.seconds = tool, seconds
        self.common = ["--threads", str(threads), "--json", "--quiet"]
        self.epochs = {}  # of a row, for so many seconds

    def measure(self, row, given):
        return self.train(row, given) if row.trains else self.infer(row, given)

    def infer(self, row, given):
        found = output_of([self.tool, "bench", given["model"], "--batch", str(row.batch), "--seconds",
                           str(self.seconds), *self.common])["latency_us"]
        return Measurement(found["median"], found["min"])

    def train(self, row, given):
        def rates(epochs):  # the first epoch warms up
            return [epoch["images_per_s"] for epoch in output_of(
                [self.tool, "train", row.network, "--data", given["data"], "--batch", str(row.batch), "--optimizer",
                 "sgd", "--lr", "0.01", "--schedule", "constant", "--no-flip", "--crop", "0", "--val-split", "0",
                 "--weight-decay", "0", "--epochs", str(epochs), *self.common])["history"]][1:]
        if row not in self.epochs:
            self.epochs[row] = 1 + max(1, math.ceil(self.seconds * statistics.median(rates(2)) / row.images))
        found = rates(self.epochs[row])
        return Measurement(statistics.median(found), max(found))


class Peer:
    def __init__(self, engine, environments, threads, seconds):
        self.name, self.environments = engine, environments
        self.options = {"threads": threads, "seconds": seconds}

    def takes(self, row):
        if row.bits == 8:
            return self.name in RUN_BYTES
        kind = TAKES[self.name]
        if kind == "images":
            return row.network not in ("linear", "mlp")
        deep = row.trains and row.network not in ("linear", "mlp", "cnn")
        return kind == "both" or (kind == "train") == row.trains and not deep

    def measure(self, row, given):
        if self.name in self.environments.problems:
            raise RuntimeError(self.environments.problems[self.name])
        task = json.dumps({**dataclasses.asdict(row), **given, **self.options})
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        return Measurement(**output_of([self.environments.python(self.name), WORKER, self.name, task], environment))
