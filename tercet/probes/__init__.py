"""Small scripts that other interpreters run by their path.

They import nothing of Tercet, which those interpreters need not have, and keep to the syntax of
Python 3.8.  Those that tell what an interpreter holds print one JSON object on the last line of
their output.
"""
