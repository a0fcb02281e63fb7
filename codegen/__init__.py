"""The tools that code generators share: expressions, statements, names, and blocks as classes."""
