"""Of a trained model, the bound of -log p(x) by importance weights, whatever it was trained on.

The spec is compiled once more with the one objective ``KL(q || p) with iwae(k = K)``, and the class
that this gives computes with the very networks of the trained model. A network is taken where the
two modules build it by the same expression; where one is missing, there is no such bound.
"""

from __future__ import annotations

__all__ = ["NoLikelihood", "bound_of_rows", "likelihood_of"]

import ast
import hashlib
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from graphdsl.api.emitted import class_of
from graphdsl.api.numbers import exact_text
from graphdsl.compiler import GeneratedModule, compile_spec
from graphdsl.diagnostics import Source, SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from graphdsl_runtime import Batch, Objective

_MOST_SAMPLES = 100_000
_AT_ONCE = 2**15  # samples whose activations are in memory together


class NoLikelihood(ValueError):  # noqa: N818  # it is named after the mistake
    """A model has no bound of -log p(x) by importance weights."""


def likelihood_of(objective: Objective, samples: int) -> Objective:
    """Give an objective whose loss is the importance-weighted bound, with the same networks.

    Its loss lies above -log p(x), in expectation, and falls with ``samples`` (`importance_weighted`
    says how). It shares the parameters of ``objective``.
    Raises `NoLikelihood` where the spec has no generation network of the data, no density of the
    posterior, or was not given with the class.

    >>> import graphdsl
    >>> vae = graphdsl.compile("beta_vae", pixels=4).objective()
    >>> twin = likelihood_of(vae, samples=50)
    >>> twin.samples, twin.q_u is vae.q_u
    (50, True)
    """
    import torch

    if not 1 <= samples <= _MOST_SAMPLES:
        raise NoLikelihood(f"the samples of a bound are 1..{_MOST_SAMPLES}, not {samples}")
    origin = objective.origin
    if origin is None:
        raise NoLikelihood(f"{type(objective).__name__} does not know its spec: load it")
    constants = {
        name: value
        for name, text in origin.constants.items()
        if (value := exact_text(text)) is not None
    }
    source = Source(origin.name, origin.spec)
    own = compile_spec(source, constants)
    changed = Source(origin.name, _with_bound(source, samples))
    module = _compiled(changed, constants)
    digest = hashlib.sha256(module.text.encode("utf-8")).hexdigest()
    twin_class = class_of(module, changed, f"graphdsl_likelihood_{digest[:16]}")
    networks = {
        name: network
        for name, network in objective.own_networks.items()
        if f'"{name}"' in module.text
    }
    with torch.random.fork_rng():
        twin = twin_class(networks=networks)
    _share_networks(objective, own, twin, module)
    twin.statistics = objective.statistics
    device = next(objective.parameters(), torch.empty(0)).device
    return twin.to(device).eval()


def _compiled(source: Source, constants: Mapping[str, Fraction]) -> GeneratedModule:
    try:
        return compile_spec(source, constants)
    except SpecError as problem:
        errors = (
            diagnostic for diagnostic in problem.diagnostics if diagnostic.severity == "error"
        )
        reasons = "; ".join(error.message for error in errors)
        raise NoLikelihood(
            f"there is no bound of -log p(x) by importance weights: {reasons}"
        ) from None


def _share_networks(
    objective: Objective, own: GeneratedModule, twin: Objective, module: GeneratedModule
) -> None:
    """Give the twin each network of the objective that is built by the same expression."""
    theirs = _attributes(own.text, own.class_name)
    for name, built in _attributes(module.text, module.class_name).items():
        attribute = _same(name, built, theirs)
        if attribute is None:
            raise NoLikelihood(
                "there is no bound of -log p(x) by importance weights: the model was trained "
                f"without what the bound reads as `{built}`"
            )
        setattr(twin, name, getattr(objective, attribute))


def bound_of_rows(
    objective: Objective,
    batch: Batch,
    samples: int,
    *,
    seed: int = 0,
    same_noise: bool = False,
) -> Tensor:
    """Bound -log p of what the model generates, row by row, by importance weights.

    With ``same_noise`` the bound of a row does not depend on its place.
    Shapes: ``(n,)``.  Unit: nats.  Raises as `likelihood_of`.
    """
    from graphdsl_runtime.in_use import row_terms

    twin = likelihood_of(objective, samples)
    terms = row_terms(
        twin,
        batch,
        batch_size=max(1, _AT_ONCE // samples),
        seed=seed,
        same_noise=same_noise,
    )
    if "loss" not in terms.terms:
        raise NoLikelihood("the bound of -log p(x) by importance weights is none of single rows")
    return terms.terms["loss"]


def _with_bound(source: Source, samples: int) -> str:
    """Write the spec with that bound as its one objective, and nothing claimed of it."""
    from graphdsl.syntax import ast as syntax
    from graphdsl.syntax import parse

    dropped = (syntax.Goal, syntax.Constraints, syntax.Turns, syntax.Assertion)
    spec, _ = parse(source)
    lines = [list(line) for line in source.lines]
    for statement in spec.statements:
        if isinstance(statement, dropped):
            span = statement.span
            for number in range(span.line, span.end_line + 1):
                line = lines[number - 1]
                first = span.column - 1 if number == span.line else 0
                last = span.end_column - 1 if number == span.end_line else len(line)
                line[first:last] = " " * (last - first)
    text = "\n".join("".join(line) for line in lines)
    return f"{text}\nminimize KL(q || p) with iwae(k = {samples})\n"


def _attributes(text: str, class_name: str) -> dict[str, str]:
    """Give the expression that builds each attribute of a module, less the weights of terms."""
    (initialiser,) = (
        one
        for one in ast.parse(text).body
        if isinstance(one, ast.ClassDef) and one.name == class_name
    )
    (constructor,) = (
        one
        for one in initialiser.body
        if isinstance(one, ast.FunctionDef) and one.name == "__init__"
    )
    attributes = {}
    for statement in constructor.body:
        if not isinstance(statement, ast.Assign):
            continue
        (target,) = statement.targets
        built = ast.unparse(statement.value)
        if isinstance(target, ast.Attribute) and not built.startswith(
            ("self.weight(", "self.ramp(", "self.cycle(")
        ):
            attributes[target.attr] = built
    return attributes


def _same(name: str, built: str, theirs: Mapping[str, str]) -> str | None:
    """Find the attribute that is built alike: the one of that name, or the only one there is."""
    if theirs.get(name) == built:
        return name
    alike = [one for one, expression in theirs.items() if expression == built]
    return alike[0] if len(alike) == 1 else None
