"""A network in 8 bits: quantise.py MODEL OUT SHAPE [FORMAT], in ONNX Runtime's environment. Activations are u8, weights
i8 with a scale for each channel; between QuantizeLinear and DequantizeLinear, or by ops of bytes if FORMAT is QOperator.
Ranges are those of a few random images."""
import pathlib
import sys
import tempfile

import numpy
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

IMAGES = 4


class RandomImages(quantization.CalibrationDataReader):
    def __init__(self, shape):
        random = numpy.random.default_rng(0)
        self.images = iter([{"input": random.random((1, *shape), numpy.float32)} for _ in range(IMAGES)])

    def get_next(self):
        return next(self.images, None)


def main():
    model, out, shape, form = [*sys.argv[1:], "QDQ"][:4]
    with tempfile.TemporaryDirectory() as folder:
        folded = pathlib.Path(folder) / "folded.onnx"  # batch norms are part of the convolutions
        quant_pre_process(model, folded, skip_symbolic_shape=True)
        quantization.quantize_static(
            folded, out, RandomImages(tuple(map(int, shape.split(",")))), quant_format=quantization.QuantFormat[form],
            per_channel=True, activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8)


if __name__ == "__main__":
    main()
