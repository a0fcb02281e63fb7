"""Numbers for the symbolic sizes of a model."""
