"""What the scripts of all targets define or import, whatever the model: no class may be called so.

A test compares it with what the scripts of all samples really bind, so a piece of a script that
brings a new name is noticed.
"""

from __future__ import annotations

from tercet.compiler.training.metrics import METRICS


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SCRIPT_NAMES = words(
    """
        Column Counter Draws Path SafetensorError argparse chain csv fcntl fnmatchcase gzip hashlib
        json load_file math np os partial safe_open sys to_bytes warnings zipfile zlib

        BATCH_SIZE DATA DIV EPOCHS END_FACTOR FINAL_DIV LEARNING_RATE MAX_GRADIENT
        MAX_GRADIENT_NORM MOMENTUM NO_DECAY PEAK PRECISION SEED WARMUP_STEPS WEIGHT_DECAY GAMMA
        MILESTONES POWER STEP_SIZE

        batches check check_finite check_indices check_weights claim count_pairs draws evaluate
        export fans identity initial_value name_layers learning_rate_factor load
        load_checkpoint load_data load_part log main model predict read read_checkpoint save
        save_checkpoint start stored train weights write

        orthogonal scaled_uniform truncated_normal

        args files folder inputs kept numbers parser path record result source step tables
        test_part train_part

        load_breast_cancer load_diabetes load_digits load_iris load_wine read_arrays read_cifar
        read_csv read_idx read_text whole
        """
) | {metric.__name__ for metric in METRICS.values()}
"""Imports, constants, functions, `main`'s variables, what reads data, classes of metrics."""
