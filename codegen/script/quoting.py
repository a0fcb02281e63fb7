"""Text that comes from a model, quoted for the place where a script holds it.

Comments, names of files, messages of an `assert` are anybody's text, and a model may come from a
stranger: none of it may end the literal it stands in.  String literals by themselves are
`pieces.literal`; here are docstrings, f-strings and commands.
"""

from __future__ import annotations

import re
import shlex

from tercet.dsl.visible import escaped, visible

_BACKSLASH = "\\"
_LINE_BREAK = "\n"
_ENDS_DOCSTRING = re.compile(r'\\|"""|^"|"\Z')


def docstring(text: str) -> str:
    """The docstring that has `text`, of one line or several, as its value."""
    ends_early = '"""' in text or text[:1] == '"' or text[-1:] in ('"', _BACKSLASH)
    if text.replace(_LINE_BREAK, "").isprintable() and not ends_early:
        return f'{"r" if _BACKSLASH in text else ""}"""{text}"""'
    quoted = _ENDS_DOCSTRING.sub(lambda found: re.sub(".", r"\\\g<0>", found[0]), text)
    return f'"""{visible(quoted, keep=_LINE_BREAK)}"""'


def one_line(text: str) -> str:
    """The text of a comment."""
    return visible(re.sub(r"\s+", " ", text))


def format_text(text: str) -> str:
    """A part of an f-string that is printed as it is, on one line."""
    return one_line(text).replace("{", "{{").replace("}", "}}")


def shell_word(text: str) -> str:
    """A word of a command that a docstring shows."""
    if text.isprintable():
        return shlex.quote(text)
    quoted = escaped(text).replace("'", r"\'")
    return f"$'{quoted}'"
