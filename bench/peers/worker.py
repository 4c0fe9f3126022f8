"""One measurement of one peer, in that peer's interpreter: worker.py ENGINE TASK (JSON); prints a JSON object as
its last line."""
import importlib
import json
import statistics
import sys
import time

WARM_UP = 0.2  # of the time that is measured
SLICES = 5
TOLERANCE = {32: 1e-3, 8: 0.1}  # engines round bytes where they like


def time_runs(run, seconds):
    """Microseconds of each run, once it is warm."""
    def repeat(for_seconds, least):
        out, end = [], time.perf_counter() + for_seconds
        while len(out) < least or time.perf_counter() < end:
            start = time.perf_counter()
            run()
            out.append(1e6 * (time.perf_counter() - start))
        return out
    repeat(WARM_UP * seconds, 3)
    out = repeat(seconds, 10)
    return {"median": statistics.median(out), "best": min(out)}


def time_training(step, finish, task, batch):
    """Images a second of some slices; `step` takes the indices of a batch."""
    import numpy

    random = numpy.random.default_rng(0)

    def steps():  # epoch after epoch, each in another order
        while True:
            order = random.permutation(task["images"])
            for first in range(0, task["images"] - batch + 1, batch):
                yield order[first:first + batch]

    batches = steps()

    def images_per_s(seconds):
        done, start = 0, time.perf_counter()
        while done == 0 or time.perf_counter() - start < seconds:
            step(next(batches))
            done += batch
            if done % (16 * batch) == 0:
                finish()  # no queue may grow behind the clock
        finish()
        return done / (time.perf_counter() - start)

    step(next(batches))  # compiles
    finish()
    images_per_s(WARM_UP * task["seconds"])
    found = [images_per_s(task["seconds"] / SLICES) for _ in range(SLICES)]
    return {"median": statistics.median(found), "best": max(found)}


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


def time_inference(engine, task):
    import numpy

    images = numpy.load(task["images_file"])  # kept: an engine may share their memory
    run, logits_of = engine.inference(task, images)
    if logits_of is not None:
        require_same(logits_of(run()), numpy.load(task["logits_file"]), TOLERANCE[task["bits"]])
    return time_runs(run, task["seconds"])


def main():
    name, task = sys.argv[1], json.loads(sys.argv[2])
    module, _, task["variant"] = name.partition("-")
    engine = importlib.import_module(f"engines.{module}")
    if task["images"]:
        step, finish = engine.training(task, *training_data(task))
        # Keras goes through whole epochs by itself.
        batch = task["images"] if getattr(engine, "WHOLE_EPOCHS", False) else task["batch"]
        found = time_training(step, finish, task, batch)
    else:
        found = time_inference(engine, task)
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
