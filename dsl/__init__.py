"""The `.model` language: text to syntax tree and back.  Knows no operation and no framework."""

if __name__ != "tercet.dsl":  # the folder stands at the top of a checkout as well
    raise ImportError("it is imported as `tercet.dsl`", name=__name__)
