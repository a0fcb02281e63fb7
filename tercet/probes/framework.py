"""Import the framework of the target named as argument, and tell on which GPUs it would train."""

import importlib
import json
import os
import sys
import time
from typing import Any, Dict, List  # noqa: UP035 - for Python 3.8


def torch_gpus(torch: Any) -> List[str]:  # noqa: UP006
    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def tensorflow_gpus(tensorflow: Any) -> List[str]:  # noqa: UP006
    return [device.name for device in tensorflow.config.list_physical_devices("GPU")]


def mxnet_gpus(mxnet: Any) -> List[str]:  # noqa: UP006
    return ["gpu({})".format(i) for i in range(mxnet.context.num_gpus())]  # noqa: UP032


def load(module: str) -> Any:
    """The imported module; MXNet 1.9.1 asks NumPy for names that NumPy has dropped."""
    if module == "mxnet":
        numpy: Any = importlib.import_module("numpy")
        for name in ("bool", "int", "float", "object", "complex", "str"):
            if name not in vars(numpy):
                setattr(numpy, name, getattr(importlib.import_module("builtins"), name))
    return importlib.import_module(module)


GPUS = {"torch": torch_gpus, "tensorflow": tensorflow_gpus, "mxnet": mxnet_gpus}


def report(module: str) -> Dict[str, object]:  # noqa: UP006
    """What is printed: `version`, `seconds` the import took, `gpus`."""
    start = time.perf_counter()
    framework = load(module)
    seconds = time.perf_counter() - start
    return {"version": framework.__version__, "seconds": seconds, "gpus": GPUS[module](framework)}


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    print(json.dumps(report(sys.argv[1])))
