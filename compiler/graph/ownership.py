"""Whose a layer is while calls are walked through: a block may apply what it was given."""

from __future__ import annotations

from tercet.compiler.graph.ir import Instance, Layer


class Owner:
    """One instance of a block, or the model, in the middle of a walk.

    What it makes has its path; what it got as an argument has that of a caller, since a layer's
    path is where it was created.
    """

    __slots__ = ("_caller", "_made", "prefix")

    def __init__(self, prefix: str = "", caller: Owner | None = None) -> None:
        self.prefix = prefix
        """The path of the instance with a dot behind it, "" for the model."""
        self._caller = caller
        self._made: set[Layer | Instance] = set()

    def make(self, made: Layer | Instance) -> None:
        """Notes that the instance makes a layer or a block."""
        self._made.add(made)

    def prefix_of(self, made: Layer | Instance | None) -> str:
        """The prefix of the one that made it; None stands for what is nobody else's."""
        owner: Owner | None = self
        while made is not None and owner is not None:
            if made in owner._made:
                return owner.prefix
            owner = owner._caller
        return self.prefix

    def enter(self, instance: Instance) -> Owner:
        """The owner that an instance is while it is applied from here."""
        return Owner(f"{self.prefix_of(instance)}{instance.path}.", self)
