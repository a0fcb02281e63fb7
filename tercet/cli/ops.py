"""`tercet ops [NAME]`: the operations of the language and which target has them."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any

from tercet.cli import options
from tercet.cli.command import Command
from tercet.errors import TercetError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="one operation, with its page")
    options.add_json(parser)


def _run(args: argparse.Namespace) -> int:
    import tercet.compiler.ops  # noqa: F401  (registers all of them)
    from tercet.compiler.ops.base import OPERATIONS
    from tercet.dsl.syntax_hints import nearest

    if args.name is not None and args.name not in OPERATIONS:
        close = nearest(args.name, OPERATIONS)
        raise TercetError(
            f"there is no operation {args.name}", f"did you mean {close}?" if close else None
        )
    names = [args.name] if args.name else sorted(OPERATIONS)
    entries = [_entry(name) for name in names]
    if args.json:
        print(json.dumps(entries[0] if args.name else {"operations": entries}, indent=2))
    elif args.name:
        _print_page(entries[0])
    else:
        _print_list(entries)
    return 0


def _entry(name: str) -> dict[str, Any]:
    from tercet.compiler.ops.base import OPERATIONS, LayerOp
    from tercet.compiler.signature import REQUIRED, signature

    cls = OPERATIONS[name]
    return {
        "name": name,
        "signature": str(signature(cls)),
        "kind": "layer" if issubclass(cls, LayerOp) else "function",
        "operands": [
            {"name": o.name, "optional": o.optional, "variadic": o.variadic} for o in cls.operands
        ],
        "attributes": [
            {
                "name": p.name,
                "type": p.type,
                "required": p.default is REQUIRED,
                "default": None if p.default is REQUIRED else str(p.default),
            }
            for p in signature(cls).parameters
        ],
        "documentation": inspect.getdoc(cls) or "",
        "coverage": _coverage(name),
    }


def _coverage(name: str) -> dict[str, str | None]:
    """Per target: None where the operation is expressed, else the reason why it is not."""
    from tercet.coverage import coverage

    return {target: table[name] for target, table in coverage().items()}


def _print_page(entry: dict[str, Any]) -> None:
    print(entry["signature"])
    print()
    print(entry["documentation"])
    missing = {t: r for t, r in entry["coverage"].items() if r is not None}
    for target, reason in missing.items():
        print(f"\nnot in {target}: {reason}")


def _print_list(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        first = entry["documentation"].split("\n")[0]
        print(f"{entry['name']:<34}{first}")


COMMAND = Command(
    "ops",
    "List the operations of the language, or show the page of one.",
    (
        "tercet ops                  all of them, a line each",
        "tercet ops conv2d           signature, meaning, example",
        "tercet ops --json           for completion and documentation tools",
    ),
    _add_arguments,
    _run,
)
