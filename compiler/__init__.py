"""Meaning: operations, types, elaboration of syntax trees into graphs, passes, reference.

Knows no framework; `backends` translates its graphs.
"""
