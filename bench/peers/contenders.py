"""Who is measured: hone by bench_contender, a peer by worker.py inside its environment. Each is a process that stays
for all rounds of a row, and is stopped while it isn't its turn, so that no other's threads are there to disturb it."""
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import time

from environments import last_line

WORKER = pathlib.Path(__file__).with_name("worker.py")
LONGEST = 600  # seconds; compiling included
WARM_UP = 0.2  # of the time that is measured: others have had the caches
# Those that run a network of 8 bits as ONNX says it.
RUN_BYTES = ("onnxruntime", "openvino")
# engine: the kinds of rows that it takes
TAKES = {"onnxruntime": "infer", "openvino": "infer", "mnn": "infer", "jax": "train", "keras": "train",
         "torch": "both", "torch-nhwc": "images", "torch-compile": "both"}


class Running:
    """A contender at work on one row: seconds go in, what it found in them comes out, a line each."""

    def __init__(self, command, environment=None):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        env=environment, start_new_session=True)
        try:
            self.answer()  # it is ready
            self.send(signal.SIGSTOP)
        except BaseException:
            self.end()
            raise

    def turn(self, seconds):
        """The median of a run's microseconds, or images a second."""
        self.send(signal.SIGCONT)
        self.ask(WARM_UP * seconds)
        found = self.ask(seconds)
        self.send(signal.SIGSTOP)
        return found

    def ask(self, seconds):
        self.process.stdin.write(f"{seconds}\n".encode())
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        end = time.monotonic() + LONGEST
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError(f"no answer within {LONGEST} s")
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                raise RuntimeError(self.why_it_ended())
            line += more
        return float(line)

    def why_it_ended(self):
        code = self.process.wait()
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        self.errors.seek(0)
        return last_line(self.errors.read().decode(errors="replace"))

    def send(self, what):
        """To all its processes: compilers may have their own."""
        try:
            os.killpg(self.process.pid, what)
        except ProcessLookupError:
            pass

    def end(self):
        self.send(signal.SIGKILL)
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            file.close()


class Hone:
    name = "hone"

    def __init__(self, program, threads):
        self.program, self.threads = program, threads

    def start(self, row, given):
        what = ["train", row.network, given["data"]] if row.trains else ["infer", given["model"]]
        return Running([self.program, *what, str(row.batch), str(self.threads)])


class Peer:
    def __init__(self, engine, environments, threads):
        self.name, self.environments, self.threads = engine, environments, threads

    def takes(self, row):
        if row.bits == 8:
            return self.name in RUN_BYTES
        kind = TAKES[self.name]
        if kind == "images":
            return row.network not in ("linear", "mlp")
        deep = row.trains and row.network not in ("linear", "mlp", "cnn")
        return kind == "both" or (kind == "train") == row.trains and not deep

    def start(self, row, given):
        if self.name in self.environments.problems:
            raise RuntimeError(self.environments.problems[self.name])
        task = json.dumps({**dataclasses.asdict(row), **given, "threads": self.threads})
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        return Running([self.environments.python(self.name), WORKER, self.name, task], environment)
