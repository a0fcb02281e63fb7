"""The reference: a graph run in NumPy, what it is given, and statistics fitted to it."""
