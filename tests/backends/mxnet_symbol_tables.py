"""All cases of the MXNet Symbol exporter."""

from __future__ import annotations

from tests.backends import (
    mxnet_symbol_elements,
    mxnet_symbol_indices,
    mxnet_symbol_layers,
    mxnet_symbol_networks,
    mxnet_symbol_shapes,
    mxnet_symbol_steps,
)

CASES = (
    *mxnet_symbol_layers.CASES,
    *mxnet_symbol_steps.CASES,
    *mxnet_symbol_elements.CASES,
    *mxnet_symbol_shapes.CASES,
    *mxnet_symbol_indices.CASES,
    *mxnet_symbol_networks.CASES,
)
