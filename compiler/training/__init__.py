"""Training: optimizers, schedules, clipping, metrics, and the `Training` that holds them."""

from tercet.compiler.settings import Setting
from tercet.compiler.training.clipping import CLIPS, Clip, ClipValue, GlobalNorm
from tercet.compiler.training.metrics import METRICS, Metric
from tercet.compiler.training.optimizers import OPTIMIZERS, Optimizer
from tercet.compiler.training.schedules import SCHEDULES, ConstantSchedule, Schedule

__all__ = [
    "CLIPS",
    "METRICS",
    "OPTIMIZERS",
    "SCHEDULES",
    "Clip",
    "ClipValue",
    "ConstantSchedule",
    "GlobalNorm",
    "Metric",
    "Optimizer",
    "Schedule",
    "Setting",
]
