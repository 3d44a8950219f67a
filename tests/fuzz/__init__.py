"""Coverage-guided fuzzing of everything that parses what a stranger sends.

`python -m tests.fuzz` gives each parser its inputs; see `make fuzz`.
"""
