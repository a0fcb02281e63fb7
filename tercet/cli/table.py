"""The commands with a line each, as data: `tercet --help` imports nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """The module of `tercet.cli` that holds the command as `COMMAND`, and its line of help."""

    module: str
    line: str


COMMANDS: dict[str, Entry] = {
    "new": Entry("new", "write a model to start from"),
    "check": Entry("check", "find the errors in a model"),
    "show": Entry("show", "layers, shapes and parameters of a model"),
    "compile": Entry("compile", "write the training scripts"),
    "train": Entry("train", "train with one framework"),
    "predict": Entry("predict", "outputs of a trained model for given inputs"),
    "export": Entry("export", "write ONNX with a framework's own exporter"),
    "verify": Entry("verify", "prove that all targets compute the same"),
    "weights": Entry("weights", "write initial weights that fit every target"),
    "fmt": Entry("fmt", "bring models into the standard layout"),
    "ops": Entry("ops", "the operations of the language"),
    "ir": Entry("ir", "the graph the compiler works on"),
    "explain": Entry("explain", "what an error code means"),
    "doctor": Entry("doctor", "what is installed and whether it works"),
}


def command_names() -> tuple[str, ...]:
    return tuple(COMMANDS)


def overview() -> str:
    """What `tercet --help` prints."""
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {entry.line}" for name, entry in COMMANDS.items())
    return f"""usage: tercet COMMAND ...

One .model file, three frameworks, one answer.

{lines}

tercet COMMAND --help   options and examples of a command
tercet --version        the version

for example:
  tercet new net                  write net.model
  tercet compile net.model        scripts for PyTorch, TensorFlow and MXNet
  tercet verify net.model         do they compute the same?"""
