"""Whether ONNX Runtime really computes on CUDA in this interpreter.

That its wheel holds the CUDA provider says nothing: without the libraries or a device it warns
and runs on the CPU.  So a session is made and run, and the session is asked what it uses.
"""

import json


def started() -> bool:
    """Whether a session that was given the CUDA provider alone runs on it."""
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "x"], ["y"])], "probe", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CUDAExecutionProvider"]
    )
    session.run(["y"], {"x": numpy.eye(2, dtype=numpy.float32)})
    return "CUDAExecutionProvider" in session.get_providers()


def report() -> dict:  # type: ignore[type-arg]  # for Python 3.8
    """What is printed: `version`, `providers` the wheel holds, and whether CUDA `started`."""
    import onnxruntime

    if hasattr(onnxruntime, "preload_dlls"):  # finds the libraries that its extras install
        onnxruntime.preload_dlls()
    return {
        "version": onnxruntime.__version__,
        "providers": onnxruntime.get_available_providers(),
        "started": started(),
    }


if __name__ == "__main__":
    print(json.dumps(report()))
