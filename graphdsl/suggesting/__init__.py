"""What would make a loss tighter: amendments of a spec, each compiled before it is suggested.

`amendments` changes the text of a spec, `bounds` and `estimators` propose what may help a term, and
`suggest` compiles the proposals and keeps those whose loss is tighter.
"""

__all__ = ["suggest"]

from graphdsl.suggesting.suggest import suggest
