"""ONNX Runtime on the CPU, with all its optimisations."""
import onnxruntime


def inference(task, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(task["model"], options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": images}), lambda out: out[0]
