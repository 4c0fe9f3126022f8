"""MNN, converted by its own tool; "high" is its fp32."""
import pathlib
import subprocess
import sys

import MNN.expr
import MNN.nn


def inference(task, images):
    model = pathlib.Path(task["model"])
    converted = model.with_suffix(".mnn")
    if not converted.exists() or converted.stat().st_mtime < model.stat().st_mtime:
        tool = pathlib.Path(sys.executable).with_name("mnnconvert")
        converted.unlink(missing_ok=True)
        done = subprocess.run([tool, "-f", "ONNX", "--modelFile", model, "--MNNModel", converted, "--bizCode", "x"],
                              capture_output=True, text=True)
        if done.returncode or not converted.exists():
            converted.unlink(missing_ok=True)
            sys.exit(f"mnnconvert: {[f'exit code {done.returncode}', *done.stdout.strip().splitlines()][-1]}")
    runtime = MNN.nn.create_runtime_manager(
        ({"backend": "CPU", "precision": "high", "numThread": task["threads"]},))
    network = MNN.nn.load_module_from_file(str(converted), ["input"], ["logits"], runtime_manager=runtime)
    given = MNN.expr.placeholder(list(images.shape), MNN.expr.NCHW)
    given.write(images.flatten().tolist())
    return lambda: network.forward([given])[0].read(), lambda out: out  # it is computed when it is read
