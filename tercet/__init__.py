"""Tercet: one `.model` file, three frameworks, one answer."""
