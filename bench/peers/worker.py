"""One peer at work on one row, in that peer's interpreter: worker.py ENGINE TASK (JSON). It runs for so many seconds as
each line of its input says, and answers with the median time of a run in microseconds, or with images a second; once
unasked, when it is ready."""
import importlib
import json
import os
import statistics
import sys
import time

TOLERANCE = {32: 1e-3, 8: 0.1}  # engines round bytes where they like


def answer_turns(measure, answers):
    """`measure` takes seconds and gives what is answered."""
    seconds = 0
    while True:
        print(measure(seconds), file=answers, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        seconds = float(line)


def median_of_runs(run, images):
    def measure(seconds, _=images):  # kept: an engine may share their memory
        out, start = [], time.perf_counter()
        while True:
            begin = time.perf_counter()
            run()
            end = time.perf_counter()
            out.append(1e6 * (end - begin))
            if end - start >= seconds:
                return statistics.median(out)
    return measure


def rate_of_training(step, finish, task, batch):
    """`step` takes the indices of a batch; epoch after epoch, each in another order."""
    import numpy

    random = numpy.random.default_rng(0)

    def steps():
        while True:
            order = random.permutation(task["images"])
            for first in range(0, task["images"] - batch + 1, batch):
                yield order[first:first + batch]

    batches = steps()

    def measure(seconds):
        done, start = 0, time.perf_counter()
        while done == 0 or time.perf_counter() - start < seconds:
            step(next(batches))
            done += batch
            if done % (16 * batch) == 0:
                finish()  # no queue may grow behind the clock
        finish()
        return done / (time.perf_counter() - start)
    return measure


def training_data(task):
    """Images as floats around 0, [count, C, H, W], and labels."""
    import numpy

    def read(name, header):
        return numpy.fromfile(f"{task['data']}/train-{name}-ubyte", numpy.uint8, offset=header)

    images = read("images-idx3", 4 + 4 * 4).reshape(task["images"], *task["shape"]).astype(numpy.float32)
    return (images - 127.5) / 73.9, read("labels-idx1", 8).astype(numpy.int64)


def require_same(found, expected, tolerance):
    """Throws unless a peer's logits are hone's, but for rounding."""
    import numpy

    error = numpy.abs(numpy.asarray(found).reshape(expected.shape) - expected).max() / numpy.abs(expected).max()
    if not error <= tolerance:
        raise RuntimeError(f"its logits differ from hone's by {error:.1e} of the largest")


def inference(engine, task):
    import numpy

    images = numpy.load(task["images_file"])
    run, logits_of = engine.inference(task, images)
    if logits_of is not None:
        require_same(logits_of(run()), numpy.load(task["logits_file"]), TOLERANCE[task["bits"]])
    return median_of_runs(run, images)


def training(engine, task):
    step, finish = engine.training(task, *training_data(task))
    # Keras goes through whole epochs by itself.
    batch = task["images"] if getattr(engine, "WHOLE_EPOCHS", False) else task["batch"]
    return rate_of_training(step, finish, task, batch)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # engines print as they like
    name, task = sys.argv[1], json.loads(sys.argv[2])
    module, _, task["variant"] = name.partition("-")
    engine = importlib.import_module(f"engines.{module}")
    answer_turns((training if task["images"] else inference)(engine, task), answers)


if __name__ == "__main__":
    main()
