"""Specs that are proposed: amendments that make a loss tighter, and a spec to begin with.

`amendments` changes the text of a spec, `bounds` and `estimators` propose what may help a term, and
`suggest` compiles the proposals and keeps those whose loss is tighter; `from_data` writes a spec
for columns of data.
"""

__all__ = ["suggest"]

from graphdsl.suggesting.suggest import suggest
