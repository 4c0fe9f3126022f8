"""ONNX Runtime on the CPU, with all its optimisations, input and output bound."""
import numpy
import onnxruntime


def inference(task, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(task["model"], options, providers=["CPUExecutionProvider"])
    logits = onnxruntime.OrtValue.ortvalue_from_numpy(numpy.zeros((task["batch"], task["classes"]), numpy.float32))
    bound = session.io_binding()
    bound.bind_ortvalue_input("input", onnxruntime.OrtValue.ortvalue_from_numpy(images))
    bound.bind_ortvalue_output("logits", logits)
    return lambda: session.run_with_iobinding(bound), lambda _: logits.numpy()
