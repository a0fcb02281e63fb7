"""What docs/training.md says of exact scripts: the definition, and what was measured."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.processes import ROOT

RECORD = ROOT / "benchmarks" / "exact.json"
OPERATIONS = ROOT / "benchmarks" / "exact_operations.json"

_TEXT = """
## Exact scripts

`tercet train net.model --exact -t mxnet` ends at the weights of `-t pytorch` and `-t tensorflow`
without further ado, and so do the scripts of `tercet compile --exact`, full or `--lean`: what
differs between frameworks but for the rounding of sums and products stands in the script, and
nothing else. `tercet verify --exact` compares what such scripts compute; inference means the same
as in ordinary ones. `tercet check --exact` says what a target refuses then.

| | in an exact script |
|---|---|
| start | every weight is drawn in NumPy from the seed and its name, as `tercet weights` does |
| batches | in the order of `batches`, which all full scripts have, in lean ones too |
| dropout, `random_*` | drawn in NumPy, as below; Keras then trains eagerly, which is slow |
| updates | written out where a framework's optimizer holds a setting in float32, or differs |
| batch norm | biased variance in PyTorch; in MXNet averaged as the layers run, in full precision |
| activations, losses | written out where an operation rounds its constants to float32 |
| gradients at 0 | of `relu`, `elu` and their like those from the left, everywhere |
| MXNet | never hybridises, but to export |
| refused | `precision = bf16` and `f16`: frameworks round at different places |

**Random numbers.** An application of a layer draws from a generator of its own:

```python
np.random.default_rng((seed, step, update, zlib.crc32(name.encode()), application))
```

`seed` is `--seed`; `step` counts updates from 0; `update` is the number of the `update` in the
`train`, 0 where there is one. `name` is the layer's path, as in a weights file
(`part.2.dropout`), and `application` counts from 0 how often the layer was applied before in this
step, in the order of the source. `dropout(rate)` keeps the elements where
`generator.random(shape) >= rate`, `shape` being that of the source (channels first), and divides
them by `1 - rate`; between stacked recurrent layers it does so as `lstm.between`, of shape
`[N, T, directions * units]`. What a `train` draws itself is called after it and numbered by place
as layers are: `Training.random_normal`, `Training.random_normal_1`; it is `generator.uniform(low,
high, shape)`, `generator.normal(mean, std, shape)` and `generator.random(shape) < p`. Where
evaluation draws, `step` is the number of the batch and `update` the number of updates.

Of all {records} records of operations outputs and gradients agree to {operation_limit:.0e} in
float64, zeros among the inputs included (`python -m benchmarks.exact_operations`), but for the
gradients of {known}.

**Measured** by `python -m benchmarks.exact`: every sample, {steps} steps in float64
(`--float64`) in all three frameworks from the same seed, and the difference of the tensor whose
elements end farthest apart. Elements whose gradient is zero within rounding are counted and left
out where they differ by more than {limit:.0e}: optimizers of Adam's kind make numbers of the
rounding, which the running mean of a batch norm behind them sees too, and nothing else.

"""


def section() -> str:
    """The end of the page."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    operations = json.loads(OPERATIONS.read_text(encoding="utf-8"))
    text = _TEXT.format(
        steps=record["steps"],
        limit=record["limit"],
        records=operations["records"],
        operation_limit=operations["limit"],
        known="; ".join(f"`{name}` ({why})" for name, why in operations["known"].items()),
    )
    return text + "\n".join([*_HEAD, *(_row(*entry) for entry in record["samples"].items())]) + "\n"


_HEAD = (
    "| sample | smaller by | tensors | difference | of | elements left to rounding |",
    "|---|---|---|---|---|---|",
)


def _row(name: str, found: dict[str, Any]) -> str:
    unsure = ", ".join(f"{count} of `{of}`" for of, count in found["within rounding"].items())
    cells = [
        f"`{name}`",
        f"`{found['as']}`" if found["as"] else "",
        str(found["weights"]),
        f"{found['largest']:.0e}",
        f"`{found['of']}`",
        unsure,
    ]
    return f"| {' | '.join(cells)} |"
