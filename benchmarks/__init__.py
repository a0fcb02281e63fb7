"""How fast Tercet and the code that it writes are, and how well that code trains.

Every module in `benchmarks/questions` answers one question with figures that were measured in
processes of their own, several times, after a warm-up.  `python -m benchmarks` asks all of them,
`python -m benchmarks startup scaling` some.  The figures go to `benchmarks/results.json`, and from
there into the tables of `docs/performance.md`.
"""
