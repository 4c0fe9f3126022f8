"""What every contender is given: the network as hone writes it; random images, with hone's logits or to train on."""
import array
import math
import pathlib
import random
import shutil
import struct
import subprocess


QUANTISE = pathlib.Path(__file__).with_name("quantise.py")


class Inputs:
    def __init__(self, work, hone, environments):
        self.folder = work / "inputs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hone, self.environments = hone, environments

    def of(self, row):
        """Paths, as text: `model` (ONNX, untrained), and `data` (a folder of IDX files) to train on, or `images_file`
        and `logits_file`."""
        shape = ",".join(map(str, row.shape))
        model = self.folder / f"{row.network}-{shape}-{row.classes}.onnx"
        # Written anew by each run: the network is the one of this build.
        subprocess.run([self.hone, "new", row.network, "--shape", shape, "--classes", str(row.classes), "-o", model,
                        "--quiet"], check=True, stdout=subprocess.DEVNULL)
        if row.bits == 8:
            model = self.quantised(model, row)
        given = {"model": str(model)}
        if row.trains:
            given["data"] = str(self.data(row))
        else:
            images = self.folder / f"{shape}-{row.batch}.npy"
            write_npy(images, (row.batch, *row.shape))
            logits = model.with_suffix(f".{row.batch}")
            subprocess.run([self.hone, "run", model, "--input", f"input={images}", "--output-dir", logits, "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            given.update(images_file=str(images), logits_file=str(logits / "logits.npy"))
        return given

    def quantised(self, model, row):
        """The network in 8 bits, by ONNX Runtime's own tool, whose kernels it suits."""
        out = model.with_suffix(".int8.onnx")
        shape = ",".join(map(str, row.shape))
        subprocess.run([self.environments.tool("onnxruntime"), QUANTISE, model, out, shape], check=True,
                       capture_output=True)
        return out

    def data(self, row):
        folder = self.folder / f"{'x'.join(map(str, row.shape))}-{row.classes}-{row.images}"
        if not folder.exists():
            draft = folder.with_suffix(".draft")  # what an interrupted run leaves is not taken for the whole
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            draw = random.Random(0)
            for part, count in [("train", row.images), ("t10k", min(row.images, 64))]:
                elements = math.prod(row.shape)
                # The largest label tells how many classes there are.
                labels = bytes([*(i % row.classes for i in range(count - 1)), row.classes - 1])
                write_idx(draft / f"{part}-images-idx3-ubyte", (count, *row.shape), draw.randbytes(count * elements))
                write_idx(draft / f"{part}-labels-idx1-ubyte", (count,), labels)
            draft.rename(folder)
        return folder


def write_idx(path, dims, elements):
    path.write_bytes(struct.pack(f">HBB{len(dims)}I", 0, 8, len(dims), *dims) + elements)


def write_npy(path, dims):
    """Floats in [0, 1)."""
    draw = random.Random(0)
    values = array.array("f", (draw.random() for _ in range(math.prod(dims))))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {dims}, }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())
