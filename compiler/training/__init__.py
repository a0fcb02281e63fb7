"""Training: optimizers, schedules, clipping, metrics, and the `Training` that holds them."""

from compiler.settings import Setting
from compiler.training.clipping import CLIPS, Clip, ClipValue, GlobalNorm
from compiler.training.metrics import METRICS, Metric
from compiler.training.optimizers import OPTIMIZERS, Optimizer
from compiler.training.program import LOSS, Data, NamedMetric, Start, Training, Update
from compiler.training.schedules import SCHEDULES, ConstantSchedule, Schedule

__all__ = [
    "CLIPS",
    "LOSS",
    "METRICS",
    "OPTIMIZERS",
    "SCHEDULES",
    "Clip",
    "ClipValue",
    "ConstantSchedule",
    "Data",
    "GlobalNorm",
    "Metric",
    "NamedMetric",
    "Optimizer",
    "Schedule",
    "Setting",
    "Start",
    "Training",
    "Update",
]
