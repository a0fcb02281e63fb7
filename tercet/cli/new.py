"""`tercet new NAME`: a small model that compiles, trains and verifies as it is."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

from tercet.cli.command import Command
from tercet.errors import TercetError

_TEMPLATE = """\
# Handwritten digits of 8 x 8 pixels, the ones scikit-learn ships.
#   tercet check {file}      find errors
#   tercet train {file}      train it
#   tercet verify {file}     do all frameworks compute the same?

model {name}(classes = 10, width = 64) {{
    input image: f32[N, 1, 8, 8]

    hidden = image |> flatten |> dense(width) |> relu |> dropout(0.2)
    logits = hidden |> dense(classes)

    output logits
}}

train {name} {{
    target label: i64[N]

    data      = digits(split = 0.8) {{ image = pixels / 16, label = digit }}
    loss      = cross_entropy(logits, label)
    optimizer = adam(lr = 1e-3)
    metrics   = {{ accuracy = accuracy(logits, label) }}
    batch     = 32
    epochs    = 10
    seed      = 0
}}
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the file, with or without .model")


def _run(args: argparse.Namespace) -> int:
    path = Path(args.name)
    if not path.stem.strip(".") or path.suffix not in ("", ".model"):
        raise TercetError(f"{args.name} is not the name of a model", "for example: tercet new net")
    path = path.with_suffix(".model")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            shown = shlex.quote(path.name)
            file.write(_TEMPLATE.format(file=shown, name=model_name(path.stem)))
    except FileExistsError:
        raise TercetError(f"{path} exists and is not overwritten", "choose another name") from None
    print(f"wrote {path}; next: tercet check {shlex.quote(str(path))}")
    return 0


def model_name(stem: str) -> str:
    """The name of the model in a file: `my-net_2` gives `MyNet2`."""
    words = re.findall(r"[A-Za-z0-9]+", stem)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if len(name) > 1 and name[0].isalpha() else f"Model{name}"


COMMAND = Command(
    name="new",
    help="Write a model to start from.  A file that exists is left alone.",
    examples=["tercet new net", "tercet new models/classifier"],
    add_arguments=_add_arguments,
    run=_run,
)
