"""The graph IR, and what is asked of a graph."""
