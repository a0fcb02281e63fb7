"""What an operation lacks, by name: a record, a rule of a target, words on its page.

Facts without a default are asked for when a class registers (`compiler/ops/base.py`); all of them
are tried in `test_facts`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tercet.backends import mxnet, onnx, pytorch, tensorflow
from tercet.backends.mxnet import target as mxnet_target
from tercet.backends.pytorch import target as pytorch_target
from tercet.backends.tensorflow import target as tensorflow_target
from tercet.compiler.ops.base import OPERATIONS, LayerOp
from tests.ops.cases import CASES
from tests.ops.layer_cases import CASES as LAYER_CASES

LOWERED = {
    table.target: table.coverage()
    for table in (pytorch.lower, tensorflow.lower, mxnet.lower, onnx.lower)
}
CONSTRUCTED = {
    table.target: table.coverage()
    for table in (pytorch_target.construct, tensorflow_target.construct, mxnet_target.construct)
}
RECORDED = {case.op.name for case in (*CASES, *LAYER_CASES)}


def missing(name: str) -> Iterator[str]:
    """What somebody who adds the operation has still to write."""
    cls = OPERATIONS[name]
    family = cls.__module__.rsplit(".", 1)[1]
    if name not in RECORDED:
        yield f"no record in tests/ops/cases.py or layer_cases.py has a {cls.__name__}"
    for target, table in LOWERED.items():
        if table[name] == "missing":
            yield f"backends/{target} has no @lower({cls.__name__}), nor lower.unsupported(reason)"
        made = CONSTRUCTED.get(target)
        if made and issubclass(cls, LayerOp) and (table[name] is None) != (made[name] is None):
            yield f"backends/{target}: @lower and @construct belong together for {cls.__name__}"
    page = cls.__dict__["__doc__"] or ""
    if "ONNX" not in page:
        yield f"the docstring in compiler/ops/{family}.py does not say what it is in ONNX"
    if "\n    " not in page or not (name in page or cls.operator):
        yield f"the docstring in compiler/ops/{family}.py shows no use of `{name}`"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_nothing_is_missing_of_an_operation(name: str) -> None:
    assert list(missing(name)) == []
