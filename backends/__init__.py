"""One folder per target.  Backends know the compiler and not each other."""

if __name__ != "tercet.backends":  # the folder stands at the top of a checkout as well
    raise ImportError("it is imported as `tercet.backends`", name=__name__)
