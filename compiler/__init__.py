"""Meaning: operations, types, elaboration of syntax trees into graphs, passes, reference.

Knows no framework; `backends` translates its graphs.
"""

if __name__ != "tercet.compiler":  # the folder stands at the top of a checkout as well
    raise ImportError("it is imported as `tercet.compiler`", name=__name__)
