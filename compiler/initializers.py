"""Initial values of parameters, drawn the same for every framework.

Each sampler is a function of a seed and the parameter's path alone (Philox keyed by
SHA-256 of `seed:path`), so weights do not depend on the order of layers or on a framework.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from tercet.compiler.dims import Size
from tercet.compiler.errors import require
from tercet.compiler.lazy import np
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = tuple[Size, ...]

Nested: TypeAlias = "tuple[Nested, ...] | bool | int | float"
"""Numbers in tuples of tuples, as deep as an array has axes."""

Fans = tuple[int, int]
"""Number of inputs and of outputs that one weight connects (Glorot and Bengio, 2010).

`shape_fans` of the weight's canonical shape, grouped and transposed convolutions, embeddings and
raw parameters included.  A bias has those of its layer's weight, a raw vector its size as both.
"""


def shape_fans(shape: tuple[int, ...]) -> Fans:
    """The fans of a shape of outputs by inputs by field: `(shape[1] * field, shape[0] * field)`."""
    if len(shape) < 2:
        return (math.prod(shape), math.prod(shape))
    field = math.prod(shape[2:])
    return (shape[1] * field, shape[0] * field)


def generator(seed: int, path: str) -> np.random.Generator:
    """The random generator of one parameter."""
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


@dataclass(frozen=True)
class Initializer:
    """Base of all initializers; `sample` returns float64 values of the given shape."""

    name: ClassVar[str] = ""
    """The name in the language."""

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        raise NotImplementedError

    def unfit(self, shape: Shape) -> str | None:
        """Why it cannot fill a parameter of this shape, or None where it can."""
        return None


class Zeros(Initializer):
    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return np.zeros(shape)


class Ones(Initializer):
    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return np.ones(shape)


@dataclass(frozen=True)
class Constant(Initializer):
    value: float

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform(Initializer):
    low: float = -0.05
    high: float = 0.05

    def __post_init__(self) -> None:
        message = f"`low` must not be above `high`: {self.low} is above {self.high}"
        require(self.low <= self.high, "low", message)

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return random.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal(Initializer):
    std: float = 0.01
    mean: float = 0.0

    def __post_init__(self) -> None:
        require(self.std >= 0, "std", f"`std` must not be negative: {self.std}")

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return random.normal(self.mean, self.std, shape)


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """A normal distribution redrawn outside two standard deviations of its mean."""

    std: float = 0.01
    mean: float = 0.0

    def __post_init__(self) -> None:
        require(self.std >= 0, "std", f"`std` must not be negative: {self.std}")

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        values = random.normal(size=shape)
        while (outside := np.abs(values) > 2).any():
            values[outside] = random.normal(size=int(outside.sum()))
        return values * self.std + self.mean


@dataclass(frozen=True)
class Values(Initializer):
    """The numbers that a list in the source gives: nested as the parameter's axes are."""

    values: Nested

    def unfit(self, shape: Shape) -> str | None:
        given = nested_shape(self.values)
        return None if given == shape else f"the list of its values has the shape {list(given)}"

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return np.array(self.values).reshape(shape)


def nested_shape(values: Nested) -> tuple[int, ...]:
    """The sizes of a nested list.  Raises ValueError where its parts differ in theirs."""
    if not isinstance(values, tuple):
        return ()
    parts = {nested_shape(part) for part in values}
    if len(parts) > 1:
        raise ValueError("its parts differ in their sizes")
    return (len(values), *(parts.pop() if parts else ()))


class VarianceScaling(Initializer):
    """Base of the initializers whose variance is `scale / fan`."""

    def variance(self, fans: Fans) -> float:
        raise NotImplementedError

    def plain(self, fans: Fans) -> Initializer:
        """The same distribution by numbers, for whoever counts the fans otherwise."""
        raise NotImplementedError


class _ScaledUniform(VarianceScaling):
    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return self.plain(fans).sample(random, shape, fans)

    def plain(self, fans: Fans) -> Initializer:
        bound = math.sqrt(3 * self.variance(fans))
        return Uniform(-bound, bound)


class _ScaledNormal(VarianceScaling):
    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return self.plain(fans).sample(random, shape, fans)

    def plain(self, fans: Fans) -> Initializer:
        return Normal(math.sqrt(self.variance(fans)))


class GlorotUniform(_ScaledUniform):
    """Glorot and Bengio, 2010: variance 2 / (fan_in + fan_out)."""

    def variance(self, fans: Fans) -> float:
        return 2 / max(1, sum(fans))


class GlorotNormal(_ScaledNormal):
    """Glorot and Bengio, 2010: variance 2 / (fan_in + fan_out)."""

    def variance(self, fans: Fans) -> float:
        return 2 / max(1, sum(fans))


class HeUniform(_ScaledUniform):
    """He et al., 2015: variance 2 / fan_in."""

    def variance(self, fans: Fans) -> float:
        return 2 / max(1, fans[0])


class HeNormal(_ScaledNormal):
    """He et al., 2015: variance 2 / fan_in."""

    def variance(self, fans: Fans) -> float:
        return 2 / max(1, fans[0])


class LecunNormal(_ScaledNormal):
    """LeCun et al., 1998: variance 1 / fan_in."""

    def variance(self, fans: Fans) -> float:
        return 1 / max(1, fans[0])


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """Saxe et al., 2014: square blocks are orthogonal matrices times `gain`.

    A recurrent weight of several gates is orthogonal gate by gate.
    """

    gain: float = 1.0

    def unfit(self, shape: Shape) -> str | None:
        return None if len(shape) >= 2 else "orthogonal needs a parameter of at least two axes"

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        rows, columns = shape[0], math.prod(shape[1:])
        blocks = rows // columns if columns and rows % columns == 0 else 1
        parts = [self._block(random, rows // blocks, columns) for _ in range(blocks)]
        return self.gain * np.concatenate(parts).reshape(shape)

    def _block(self, random: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
        tall = random.normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diag(r))
        return np.asarray(q if rows >= columns else q.T, dtype=np.float64)


class Identity(Initializer):
    """Ones on the diagonal of a matrix, zeros elsewhere."""

    def unfit(self, shape: Shape) -> str | None:
        return None if len(shape) == 2 else "identity needs a matrix, a parameter of two axes"

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        rows, columns = shape
        return np.eye(rows, columns, dtype=np.float64)


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "uniform": Uniform,
    "normal": Normal,
    "truncated_normal": TruncatedNormal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "identity": Identity,
}
"""The language's names of initializers."""

for _name, _class in INITIALIZERS.items():
    _class.name = _name


def counted_as(init: Initializer, fans: Fans, theirs: Fans | None) -> Initializer:
    """`init`, by numbers where a framework that counts the fans as `theirs` would draw otherwise.

    None stands for a framework that refuses the parameter's shape.
    """
    match init:
        case VarianceScaling() if theirs is None or init.variance(theirs) != init.variance(fans):
            return init.plain(fans)
    return init
