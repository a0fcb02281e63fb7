"""Small scripts that other interpreters run by their path, to tell what they hold.

They import nothing of Tercet, which those interpreters need not have, print one JSON object on the
last line of their output, and keep to the syntax of Python 3.8.
"""
