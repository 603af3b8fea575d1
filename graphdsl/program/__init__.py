"""Bounded terms to a program: what the emitted methods compute, assignment by assignment.

`plan` puts the passes of all networks in order, `posteriors`, `decode` and `ancestors` plan what is
inferred and generated, `passes/` rewrites the program one rule a file, and `names` gives each value
its Python name, last.
"""
