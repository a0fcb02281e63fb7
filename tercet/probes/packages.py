"""Which of the modules named as arguments this interpreter could import, and their versions.

Nothing is imported: looking a framework up takes milliseconds, importing it seconds.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from typing import Dict, Iterable, List, Optional  # noqa: UP035 - for Python 3.8


def installed_version(module: str) -> Optional[str]:  # noqa: UP045
    """The version of the distribution that brings `module`, or None where there is none.

    A module without a distribution (a checkout on the path) has the version "unknown"; a folder
    that only happens to have the name is no module.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    for name in _distribution_names(module):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def _distribution_names(module: str) -> Iterable[str]:
    """The distribution may have a suffix: tensorflow-cpu, onnxruntime-gpu, mxnet-cu112."""
    yield {"sklearn": "scikit-learn"}.get(module, module)
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"] or ""
        if name.lower().replace("_", "-").startswith(module + "-"):
            top_level = distribution.read_text("top_level.txt")
            if top_level is None or module in top_level.split():
                yield name


def report(modules: List[str]) -> Dict[str, object]:  # noqa: UP006
    """What is printed: `python` and `packages`, module to version or null."""
    return {
        "python": platform.python_version(),
        "packages": {module: installed_version(module) for module in modules},
    }


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    print(json.dumps(report(sys.argv[1:])))
