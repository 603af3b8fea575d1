"""graphdsl compiles latent-variable models, drawn as Bayesian networks, to PyTorch objectives.

The rooms: `diagnostics` (what a mistake is), `ir` (the nouns that stages exchange), `syntax` (text
to AST, with Lark), `resolve` (words to things that exist), `graphs` (DAGs and d-separation, with
networkx), `symbolic` (the derivation, with sympy), `bound` (which bound each entropy takes),
`lower` (the terms of a loss, and their estimators), `program` (what the methods compute),
`notation` (how formulas are printed), `codegen` (Python text, with jinja2), `report` (audits).
`compiler` knows their order, `cli` talks to people.
"""

__all__ = ["GeneratedModule", "Source", "SpecError", "compile_spec"]

from graphdsl.compiler import GeneratedModule, compile_spec
from graphdsl.diagnostics import Source, SpecError
