"""graphdsl compiles latent-variable models, drawn as Bayesian networks, to PyTorch objectives.

    import graphdsl

    vae = graphdsl.compile("vae", pixels=784)  # a spec that ships, a path, or a text
    objective = vae.objective()  # a PyTorch module
    objective.save("mine")
    objective = graphdsl.load("mine")

The rooms: `api` (these functions), `diagnostics` (what a mistake is), `ir` (the nouns that stages
exchange), `syntax` (text to AST, with Lark), `declare` (names, indices and networks), `resolve`
(what is asked of them), `graphs` (DAGs and d-separation, with networkx), `symbolic` (the
derivation, with sympy), `bound` (which bound each entropy takes), `lower` (the terms of a loss, and
their estimators), `slots` (which networks a class has), `program` (what its methods compute),
`notation` (how formulas are printed), `codegen` (Python text, with jinja2), `report` (audits),
`comparing` (two specs), `suggesting` (what would be tighter, and specs from data), `trials`
(emitted modules beside exact values, with torch), `runs` (the data and the files of a run),
`sweeps` (many runs). `compiler` knows the order of the stages, `cli` talks to people.
"""

from __future__ import annotations

__all__ = [
    "AuditView",
    "Compiled",
    "GeneratedModule",
    "LatentModel",
    "Source",
    "SpecError",
    "WrongValue",
    "__version__",
    "check",
    "compile",
    "compile_spec",
    "load",
]

from typing import TYPE_CHECKING

from graphdsl.api import AuditView, Compiled, check, compile, load
from graphdsl.api.numbers import WrongValue
from graphdsl.compiler import GeneratedModule, compile_spec
from graphdsl.diagnostics import Source, SpecError

if TYPE_CHECKING:
    from graphdsl.api.latent_model import LatentModel
    from graphdsl.api.notebook import Shell

__version__: str


def load_ipython_extension(shell: Shell) -> None:
    """Give a notebook the cell magic ``%%mib``: what ``%load_ext graphdsl`` calls."""
    from graphdsl.api.notebook import register

    register(shell)


def __getattr__(name: str) -> object:
    """Look up what is dear to import: scikit-learn, and the version in the installed files."""
    if name == "LatentModel":
        from graphdsl.api.latent_model import LatentModel

        return LatentModel
    if name == "__version__":
        from importlib.metadata import version

        return version("graphdsl")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
