"""What a command is: each module `tercet.cli.<name>` defines one as `COMMAND`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Command:
    """A command of `tercet`.

    `help` stands at the top of its page, `examples` at the end, a command line each with what it
    does (`"tercet check net.model    find its errors"`).  `run` returns the exit code and lets
    every error through: `tercet.cli.main` prints it.  `failed` is the exit code where the model
    has errors or a script fails (2 for a command whose 1 means something else).
    """

    name: str
    help: str
    examples: Sequence[str]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    failed: int = 1

    def parser(self) -> argparse.ArgumentParser:
        examples = "\n".join(f"  {line}" for line in self.examples)
        parser = _Parser(
            prog=f"tercet {self.name}",
            description=self.help,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_arguments(parser)
        return parser

    def execute(self, arguments: Sequence[str]) -> int:
        """Run the command with its own arguments; those that are wrong end in `SystemExit(2)`."""
        return self.run(self.parser().parse_intermixed_args(arguments))


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and which option may have been meant."""

    def error(self, message: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings]
        for word in message.split()[::-1]:
            word = word.strip(":,'")
            near = difflib.get_close_matches(word, known, n=1) if word.startswith("--") else []
            if near and word not in known:
                message += f"; did you mean {near[0]}?"
                break
        print(f"{self.prog}: {message} ({self.prog} --help shows the options)", file=sys.stderr)
        sys.exit(2)
