"""The records of operations that give other sizes, or elements of other places."""

from __future__ import annotations

from tercet.compiler.ops.resizing import Resize, Upsample
from tercet.compiler.ops.sampling import GridSample
from tests.ops.frame import Input, OpCase
from tests.ops.frame import make_case as case

_X = (2, 3, 5, 7)
_ALL = (2, 3, 5, 7)

RESIZING: list[OpCase] = [
    case("upsample", Upsample(2.0), _X, symbolic=_ALL),
    case("upsample_apart", Upsample((3.0, 1.0)), _X, symbolic=_ALL),
    case("upsample_linear", Upsample(2.0, "linear"), _X, symbolic=_ALL),
    case("upsample_cubic", Upsample((2.0, 3.0), "cubic"), _X, symbolic=_ALL),
    case("upsample_line", Upsample(3.0), (2, 3, 5), symbolic=(2, 3, 5)),
    case("upsample_volume", Upsample(2.0), (2, 3, 4, 5, 6), symbolic=(2, 3, 4, 5, 6)),
    case("resize_to_the_same", Resize((5, 7)), _X, symbolic=(2,)),
    case("resize_to_one", Resize(1), _X, symbolic=(2,)),
    case("resize_linear_to_one", Resize((1, 4), mode="linear"), _X, symbolic=(2,)),
    case("resize_of_one", Resize((3, 4), None, "linear"), (2, 3, 1, 1), symbolic=(2, 3)),
    case("resize_cubic_to_one", Resize((1, 9), mode="cubic"), _X, symbolic=(2,)),
    case("resize_third", Resize(None, 1 / 3), (2, 1, 9, 7), symbolic=(2,)),
    case("resize_odd_scale", Resize(None, (0.7, 1.9), "linear"), (2, 3, 10, 7), symbolic=(2,)),
    case("resize_odd_cubic", Resize(None, (0.7, 1.9), "cubic"), (2, 3, 10, 7), symbolic=(2,)),
    case("resize_unsteady", Resize((5, 13), None, "linear"), (2, 3, 8, 10), symbolic=(2, 8, 10)),
    case("resize_slope", Resize((8, 4), None, "cubic", a=-0.5), _X, symbolic=(2, 3)),
    case("resize_line_linear", Resize(4, None, "linear"), (2, 3, 7), symbolic=(2, 3, 7)),
    case("resize_volume", Resize((2, 7, 9), None, "linear"), (2, 3, 4, 5, 6), symbolic=(2, 3)),
    *(
        case(
            f"resize_nearest_{coordinates}_{rounding}",
            Resize((3, 14), None, "nearest", coordinates, rounding),
            _X,
            symbolic=_ALL if rounding == "floor" else (2, 3),
        )
        for coordinates in ("half_pixel", "align_corners", "asymmetric")
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    ),
    *(
        case(
            f"resize_{mode}_{coordinates}",
            Resize((11, 3), None, mode, coordinates),
            _X,
            symbolic=_ALL,
        )
        for coordinates in ("half_pixel", "align_corners", "asymmetric")
        for mode in ("linear", "cubic")
    ),
    *(
        case(
            f"resize_scale_{mode}_{coordinates}",
            Resize(None, (1.5, 0.75), mode, coordinates),
            _X,
            symbolic=_ALL,
        )
        for coordinates in ("half_pixel", "align_corners", "asymmetric")
        for mode in ("nearest", "linear", "cubic")
    ),
]

SAMPLING: list[OpCase] = [
    *(
        case(
            f"grid_sample_{mode}_{padding}{'_corners' if corners else ''}",
            GridSample(mode, padding, corners),
            (3, 4, 5, 7),
            Input((3, 6, 8, 2), "grid"),
            symbolic=(3, 4, 5, 6, 7, 8) if padding == "zeros" else (5, 6, 7, 8),
        )
        for mode in ("bilinear", "nearest")
        for padding in ("zeros", "border")
        for corners in (False, True)
    ),
    case("grid_sample_of_one", GridSample(), (2, 3, 1, 1), Input((2, 1, 5, 2), "grid")),
    *(
        # on elements, between two of them, on the edges
        case(
            f"grid_sample_{mode}_{padding}_halves",
            GridSample(mode, padding, True),
            (3, 1, 5, 9),
            Input((3, 4, 6, 2), "grid", 4),
        )
        for mode in ("bilinear", "nearest")
        for padding in ("zeros", "border")
    ),
]
