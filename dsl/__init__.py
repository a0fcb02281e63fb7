"""The `.model` language: text to syntax tree and back.  Knows no operation and no framework."""
