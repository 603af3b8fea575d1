"""Estimators of information whose conditions do not hold, and what to write instead."""

from __future__ import annotations

__all__ = ["unfit_estimates"]

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.bound.under_p import INSTEAD_OF_SAMPLES, not_of_samples
from graphdsl.catalog.methods import METHODS, Method
from graphdsl.diagnostics import Diagnostic, Span, one_of
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import TotalCorrelation, information
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Family
from graphdsl.ir.symbols import Variable
from graphdsl.lower.errors import EstimatorMisplaced
from graphdsl.lower.estimator_choice import InformationEstimate
from graphdsl.program.inputs import tensor_shape


def unfit_estimates(
    estimates: Iterable[InformationEstimate],
    model: Model,
    independence: Independence,
    line: int,
    column: int,
) -> Iterator[Diagnostic]:
    """Estimators whose conditions do not hold."""
    for one in estimates:
        atom, choice = one.atom, one.written
        if atom.under != "q":
            reason, instead = not_of_samples(atom, one.method, model), INSTEAD_OF_SAMPLES
            reason = reason or _not_predicted(one)
        elif one.is_of_parts:
            instead = _INSTEAD_WITHIN if atom.given else _INSTEAD_OF_PARTS
            reason = _no_parts(one, model, independence)
            reason = reason or _not_predicted(one)
        else:
            reason, instead = _no_factors(atom, model, independence), _INSTEAD_OF_FACTORS
        if reason:
            span = (choice.line, choice.column, 8) if choice else (line, column, 1)
            yield EstimatorMisplaced(
                span=Span(span[0], span[1], span[0], span[1] + span[2]),
                estimator=one.method_name,
                target=str(information(atom.parts, atom.given, atom.under)),
                reason=reason,
                instead=instead,
            )


_INSTEAD_OF_FACTORS = (
    "it needs scalar or vector latents of one family, inferred from data by one line"
)
_INSTEAD_OF_PARTS = "name two variables, or whole families, as in `estimate I(z; u) with adversary`"
#: What estimates an information within the groups of a variable.
_WITHIN = [one.word for one in METHODS.values() if one.within is not None]
_INSTEAD_WITHIN = f"{one_of(_WITHIN)} estimate it within the groups of one category or bit of data"


def _no_factors(atom: TotalCorrelation, model: Model, independence: Independence) -> str:
    """Why factors of one posterior they are not; empty if they are."""
    nodes = [name for part in atom.parts for name in part]
    if atom.given:
        return "it is conditional"
    if any(len(part) > 1 for part in atom.parts):
        return "its parts hold several variables"
    families = {model.family_of(name).name: model.family_of(name) for name in nodes}
    if len(families) > 1:
        return "its parts are of different families"
    if not all(map(model.is_normal, nodes)):
        return "its parts are not normals of independent numbers given the data"
    parents = {independence.parents(name) for name in nodes}
    if len(parents) > 1 or not next(iter(parents)) <= independence.data:
        return "its parts are not all inferred from the same data"
    single = len(_holders(model, nodes)) == 1
    return "" if single else "its parts are inferred by different networks"


def _holders(model: Model, nodes: Sequence[Variable]) -> list[Conditional]:
    return [one for one in model.inference.conditionals if set(nodes) & set(one.children)]


def _no_parts(one: InformationEstimate, model: Model, independence: Independence) -> str:
    """Why no samples of the two parts lie side by side; empty if they do."""
    atom, method = one.atom, one.method
    if len(atom.parts) != 2:
        return "it is between more than two parts"
    if atom.given:
        reason = _no_groups(atom.given, method, model)
        if reason:
            return reason
    families = [model.family_of(part[0]) for part in atom.parts]
    for part, family in zip(atom.parts, families, strict=True):
        reason = _no_sample(part, family, model)
        if reason:
            return reason
    if all(family.role != "latent" for family in families):
        return "it holds no latent"
    if not method.needs_densities:
        return ""
    unfit = _not_encoded if one.is_encoded else _no_densities
    return unfit(families, model, independence)


def _not_encoded(families: Sequence[Family], model: Model, independence: Independence) -> str:
    """Why a latent is not inferred from the other part, and from that alone."""
    (latent,) = (one for one in families if one.role == "latent")
    (data,) = (one for one in families if one is not latent)
    if not model.is_normal(latent.nodes[0]):
        return f"`{latent.name}` is no normal of independent numbers given the data"
    inferred = all(independence.parents(node) == set(data.nodes) for node in latent.nodes)
    return "" if inferred else f"`{latent.name}` is not inferred from `{data.name}` alone"


def _no_groups(given: Iterable[Variable], method: Method, model: Model) -> str:
    """Why rows of an equal condition are no groups; empty if they are."""
    if method.within is None:
        return "it is conditional"
    families = [model.family_of(name) for name in given]
    first = families[0]
    known = first.role != "latent" and not first.optional and first.members is None
    grouped = first.kind in ("categorical", "binary") and not first.shape
    if len(families) == 1 and known and grouped:
        return ""
    return "its condition is no single category or bit of the data"


def _no_sample(part: Sequence[Variable], family: Family, model: Model) -> str:
    """Why a part is no one tensor of numbers."""
    if set(part) != set(family.nodes):
        return "its parts are no whole variables or families"
    if family.classes is not None:
        return f"`{family.name}` is categorical"
    if family.optional:
        return f"`{family.name}` is optional"
    several = len(_holders(model, part)) > 1
    return f"`{family.name}` is inferred by several networks" if several else ""


def _not_predicted(one: InformationEstimate) -> str:
    """Why no normal predicts the first part from the second; empty if one does."""
    first = one.families[0]
    predicted = one.estimator.critic != "predictor" or first.kind == "real"
    return "" if predicted else f"`{first.name}` is {first.kind}, and its predictor is a normal"


def _no_densities(families: Sequence[Family], model: Model, independence: Independence) -> str:
    """Why the parts are no two blocks of one posterior."""
    if any(family.role != "latent" for family in families):
        return "one of its parts is no latent"
    if not all(model.is_normal(family.nodes[0]) for family in families):
        return "its parts are not normals of independent numbers given the data"
    if len({tensor_shape(family) for family in families}) > 1:
        return "its parts have different shapes"
    parents = [independence.parents(name) for family in families for name in family.nodes]
    inferred = all(one <= independence.data for one in parents)
    return "" if inferred else "its parts are not inferred from data alone"
