"""Verification: do all targets compute the same?

`run` does it all: `sizes`, `ranges` and `probes` choose inputs, `truth` asks the reference,
`voices` runs frameworks and ONNX Runtime, `compare` and `judge` decide, `report` tells.
"""
