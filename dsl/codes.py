"""Every diagnostic's code with a one-line title, and its page for `tercet explain`.

A code never changes its meaning and is never given again.  A new one takes the next free number of
its range and a page in `explain/` with a failing and a mended example.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PAGES: Final = Path(__file__).with_name("explain")

CODES: Final[dict[str, str]] = {
    # Text and syntax.
    "E0101": "a character has no meaning",
    "E0102": "a string is not closed",
    "E0103": "an escape in a string is wrong",
    "E0104": "a number is malformed",
    "E0105": "a keyword is used as a name",
    "E0106": "the text cannot be read on from here",
    "E0107": "a bracket is not closed",
    "E0108": "a closing bracket closes nothing",
    "E0109": "an `if` expression is incomplete",
    "E0110": "an operator needs parentheses",
    "E0111": "a layer with several inputs cannot be a stage of a pipe",
    "E0112": "a stage of a pipe is neither function nor layer",
    "E0113": "a positional argument follows a keyword argument",
    "E0114": "an argument or entry is given twice",
    "E0115": "comparisons do not chain",
    "E0120": "only declarations stand outside of braces",
    "E0121": "a statement neither binds nor declares anything",
    "E0130": "the text is too large",
    "E0131": "the text nests too deep",
    "E0132": "a number is too large",
    "E0133": "the text is not UTF-8",
    "E0134": "a file cannot be read",
    # Names, imports and declarations.
    "E0201": "a name is not known",
    "E0202": "a name is declared twice",
    "E0203": "a module is not found",
    "E0204": "a module has no such name",
    "E0205": "imports go in a circle",
    "E0206": "there is no such model",
    "E0207": "a model has to be chosen",
    "E0208": "a parameter is declared twice",
    "E0209": "a block has no output, or several `output` statements",
    "E0210": "a statement is not allowed here",
    "E0211": "an input is declared twice",
    "E0212": "an output is called like an input or another output",
    "E0213": "an output of a model has no name",
    "E0214": "a name has no value yet",
    "E0215": "the numbers of names and values differ",
    "E0216": "the name of a layer is not usable",
    "E0217": "a constant depends on itself",
    "E0218": "a value has no such attribute",
    "E0219": "a `train` cannot be imported",
    # Shapes and types.
    "E0301": "two sizes that must be equal differ",
    "E0302": "shapes do not broadcast",
    "E0303": "the number of dimensions is wrong",
    "E0304": "dtypes do not mix",
    "E0305": "an operation does not take this dtype",
    "E0306": "a dtype is not known",
    "E0307": "a dimension of an input cannot be bound",
    "E0308": "a reshape changes the number of elements",
    "E0309": "an axis is out of range",
    "E0310": "an index of a tensor is out of range",
    "E0311": "a size comes out smaller than one",
    "E0312": "a size is not a multiple of another",
    "E0313": "a shared layer's parameters have another shape here",
    "E0314": "a size must be a number here",
    "E0315": "no sizes meet all that a model demands of them",
    # Static evaluation and its limits.
    "E0401": "an operator does not take these static values",
    "E0402": "a static value is needed, not a tensor",
    "E0403": "a condition cannot be decided at compile time",
    "E0404": "an assertion fails",
    "E0405": "an arithmetic operation has no result",
    "E0406": "an index of a list is out of range",
    "E0407": "an interpolation in a string is wrong",
    "E0408": "blocks call each other too deep",
    "E0409": "the model has too many operations",
    "E0410": "evaluation takes too many steps",
    "E0411": "a list, a loop or a string is too long",
    "E0412": "an integer is too large",
    "E0413": "a value cannot be looped over or unpacked",
    # Layers, functions and their calls.
    "E0501": "an argument is not known",
    "E0502": "an argument is missing",
    "E0503": "there are too many arguments",
    "E0504": "an argument has a wrong value",
    "E0505": "a layer is never applied",
    "E0506": "a tensor stands where a layer's configuration belongs",
    "E0507": "a value cannot be called",
    "E0508": "a function is hidden by a variable",
    "E0509": "a parameter is read before its shape is known",
    "E0510": "the number of inputs is wrong",
    "E0511": "a layer has no such parameter",
    "E0512": "an operation is not allowed here",
    "E0513": "what a layer computes is not used",
    # Training and data.
    "E0601": "a setting of `train` is not known",
    "E0602": "a setting of `train` is missing",
    "E0603": "the loss is not one number",
    "E0604": "a data source has no such column",
    "E0605": "an input or a target gets no data",
    "E0606": "data do not fit an input or a target",
    "E0607": "a data source is not known",
    "E0608": "a setting of `train` has a wrong value",
    "E0609": "a construct of `train` is not supported yet",
    "E0610": "a data file is missing or malformed",
    "E0611": "there are fewer rows than a batch",
    "E0612": "a layer with parameters stands in `train`",
    "E0613": "a model has two `train` declarations",
    "E0614": "an override names nothing",
    "E0615": "a pattern matches no parameter",
    "E0616": "the loss trains nothing",
    # Targets and files.
    "E0701": "a target cannot express an operation",
    "E0702": "a target is not installed",
    "E0703": "a generated script was edited by hand",
    "E0704": "a weights file does not fit the model",
    # Warnings.
    "W0901": "a bias has no effect before `batch_norm`",
    "W0902": "a value is never used",
    "W0903": "a parameter is never used",
    "W0904": "an import is never used",
    "W0905": "an input is never used",
    "W0906": "`cross_entropy` is given probabilities",
    "W0907": "a variable hides a function",
    "W0908": "`no_decay` has no effect",
    "W0909": "the size of the input stands among the arguments",
    "W0910": "a size is called `None`",
    "W0911": "a loss of probabilities is given something else",
    "W0912": "the target stands before the prediction",
    "W0913": "`dense` works along an axis of one element",
}


def explanation(code: str) -> str:
    """The Markdown page of a code, in any case.  Raises KeyError where there is none."""
    code = code.upper()
    if code not in CODES:
        raise KeyError(code)
    return (_PAGES / f"{code}.md").read_text(encoding="utf-8")
