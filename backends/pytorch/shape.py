"""Changes of shape in PyTorch."""

from __future__ import annotations
