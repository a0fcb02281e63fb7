"""The tools that code generators share: expressions, statements, names, and blocks as classes."""

if __name__ != "tercet.codegen":  # the folder stands at the top of a checkout as well
    raise ImportError("it is imported as `tercet.codegen`", name=__name__)
