"""What is measured: one row of the table each."""
import dataclasses
import sys


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    what: str  # for people
    network: str  # of hone's zoo
    shape: tuple  # of a sample
    classes: int
    batch: int
    images: int = 0  # of an epoch, if it is trained
    bits: int = 32  # 8: weights and activations, quantised after training

    @property
    def trains(self):
        return self.images > 0

    @property
    def unit(self):
        return "images/s" if self.trains else "us"


GREY, SMALL, LARGE = (1, 28, 28), (3, 32, 32), (3, 224, 224)

ROWS = [
    Row("train-linear", "train `linear`, batch 64", "linear", GREY, 10, 64, 60000),
    Row("train-mlp", "train `mlp`, batch 64", "mlp", GREY, 10, 64, 60000),
    Row("train-cnn", "train `cnn`, batch 64", "cnn", GREY, 10, 64, 3200),
    Row("train-resnet18-32", "train `resnet18`, 32x32, batch 64", "resnet18", SMALL, 10, 64, 128),
    Row("train-resnet18-224", "train `resnet18`, 224x224, batch 8", "resnet18", LARGE, 256, 8, 16),
    Row("infer-resnet18-b1", "`resnet18` fp32, batch 1", "resnet18", LARGE, 1000, 1),
    Row("infer-resnet18-b8", "`resnet18` fp32, batch 8", "resnet18", LARGE, 1000, 8),
    Row("infer-mobilenetv2-b1", "`mobilenetv2` fp32, batch 1", "mobilenetv2", LARGE, 1000, 1),
    Row("infer-resnet18-int8-b1", "`resnet18` int8, batch 1", "resnet18", LARGE, 1000, 1, bits=8),
    Row("infer-mobilenetv2-int8-b1", "`mobilenetv2` int8, batch 1", "mobilenetv2", LARGE, 1000, 1, bits=8),
    Row("infer-mlp-b1", "`mlp` fp32, batch 1", "mlp", GREY, 10, 1),
    Row("infer-mlp-b64", "`mlp` fp32, batch 64", "mlp", GREY, 10, 64),
    Row("infer-cnn-b1", "`cnn` fp32, batch 1", "cnn", GREY, 10, 1),
    Row("infer-cnn-b64", "`cnn` fp32, batch 64", "cnn", GREY, 10, 64),
]


def chosen(names):
    """The rows of these names; all without any."""
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            sys.exit(f"peers: no row '{name}': expected one of {', '.join(known)}")
    return [known[name] for name in names] or ROWS
