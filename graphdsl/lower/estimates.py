"""Informations that are estimated from a minibatch: between factors, and between variables."""

from __future__ import annotations

__all__ = ["estimated_terms", "unfit_estimates"]

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from functools import partial

from graphdsl.bound.relations import directed
from graphdsl.bound.under_p import INSTEAD_OF_SAMPLES, not_of_samples
from graphdsl.catalog.methods import Method
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.graph import Independence
from graphdsl.ir.information import Term, TotalCorrelation, information
from graphdsl.ir.loss import Builder, LossTerm, NetworkSlot, TermCode
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Family
from graphdsl.ir.objective import EstimatorChoice
from graphdsl.ir.symbols import NetworkName, Variable, latex_names, latex_word
from graphdsl.ir.values import NO_ATTRIBUTE, Attribute, Ref
from graphdsl.lower.errors import EstimatorMisplaced
from graphdsl.lower.estimator_choice import InformationEstimate
from graphdsl.program.ancestors import Generation, sampled
from graphdsl.program.inputs import tensor_shape
from graphdsl.program.members import member_ref
from graphdsl.program.names import Names
from graphdsl.program.state import Plan
from graphdsl.slots.networks import with_scale

_HIDDEN = (256, 256)


def estimated_terms(
    plans: MutableMapping[NetworkName, Plan],
    estimates: Iterable[InformationEstimate],
    taken: Names,
) -> Iterator[LossTerm]:
    """One term for each information that an estimator was chosen for, or that has one alone."""
    for estimate in estimates:
        if estimate.weight:
            under_p = Generation(plans).sample if estimate.atom.under == "p" else None
            plan = plans[estimate.atom.under]  # of p, there is one since then
            maker = _of_parts if estimate.is_of_parts else _of_factors
            yield maker(plan, estimate, taken, under_p or partial(sampled, plan))


def unfit_estimates(
    estimates: Iterable[InformationEstimate],
    model: Model,
    independence: Independence,
    line: int,
    column: int,
) -> Iterator[Diagnostic]:
    """Estimators whose conditions do not hold."""
    for estimate in estimates:
        atom, choice = estimate.atom, estimate.written
        if atom.under != "q":
            reason, instead = not_of_samples(atom, estimate.method, model), INSTEAD_OF_SAMPLES
        elif estimate.is_of_parts:
            reason, instead = (
                _no_parts(atom, estimate.method, model, independence),
                _INSTEAD_OF_PARTS,
            )
        else:
            reason, instead = _no_factors(atom, model, independence), _INSTEAD_OF_FACTORS
        if reason:
            span = (choice.line, choice.column, 8) if choice else (line, column, 1)
            yield EstimatorMisplaced(
                span=Span(span[0], span[1], span[0], span[1] + span[2]),
                estimator=estimate.method_name,
                target=str(information(atom.parts, atom.given, atom.under)),
                reason=reason,
                instead=instead,
            )


_INSTEAD_OF_FACTORS = (
    "it needs scalar or vector latents of one family, inferred from data by one line"
)
_INSTEAD_OF_PARTS = "name two variables, or whole families, as in `estimate I(z; u) with adversary`"


# ---- factors of one family -----------------------------------------------------------------------


def _of_factors(
    plan: Plan, one: InformationEstimate, taken: Names, sample: Callable[[Family], Ref]
) -> LossTerm:
    weight, atom, estimator = one.weight, one.atom, one.estimator
    nodes = [name for part in atom.parts for name in part]
    (family,) = one.families
    sample(family)
    whole = "; ".join(nodes) if tuple(nodes) != family.nodes else family.name
    at = _at(atom)
    critic = _critic(plan, family.name) if estimator.has_critic else NO_ATTRIBUTE
    if critic:
        _declare(plan, critic, family.name, ((len(nodes), *family.shape),), (tuple(nodes),))
    return LossTerm(
        name=taken.take(f"total_correlation:{family.name}{plan.tag}"),
        weight=weight,
        code=TermCode(
            kind="total_correlation",
            left=plan.value(nodes),
            right=None if critic else _posterior(plan, nodes),
            word=estimator.word,
            critic=critic,
        ),
        formula=f"TC{at[0]}({whole})",
        latex=f"\\mathrm{{TC}}{at[1]}({_latex_parts(atom, family.nodes)})",
        stands_for=(Term(weight, atom),),
        relation=directed(estimator.relation, weight, plan.model),
        bounds=(),
        estimator=one.name,
        lines=_lines(plan.model, one.written),
        critic=taken.take(f"critic:{family.name}{plan.tag}") if critic else "",
    )


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
    return [
        conditional
        for conditional in model.inference.conditionals
        if set(nodes) & set(conditional.children)
    ]


# ---- two parts -----------------------------------------------------------------------------------


def _of_parts(
    plan: Plan, one: InformationEstimate, taken: Names, sample: Callable[[Family], Ref]
) -> LossTerm:
    weight, atom, estimator = one.weight, one.atom, one.estimator
    at, (left, right) = _at(atom), one.families
    label = f"{left.name},{right.name}"
    critic = _critic(plan, label) if estimator.has_critic else NO_ATTRIBUTE
    if critic:
        shapes = (tensor_shape(left), tensor_shape(right))
        _declare(plan, critic, f"{left.name},{right.name}", shapes, (left.nodes, right.nodes))
    values = sample(left), sample(right)
    posteriors = (left, right) if one.method.needs_densities else ()
    code = _parts_code(plan, estimator.word, posteriors, critic, values)
    return LossTerm(
        name=taken.take(f"information:{label}{plan.tag}"),
        weight=weight,
        code=code,
        formula=f"I{at[0]}({left.name}; {right.name})",
        latex=f"I{at[1]}({left.name.latex}; {right.name.latex})",
        stands_for=(Term(weight, information(atom.parts, (), atom.under)),),
        relation=directed(estimator.relation, weight, plan.model),
        bounds=(),
        estimator=one.name,
        lines=_lines(plan.model, one.written),
        critic=taken.take(f"critic:{label}{plan.tag}") if critic else "",
    )


def _parts_code(
    plan: Plan,
    word: str,
    densities: Sequence[Family],
    critic: Attribute,
    values: tuple[Ref, Ref],
) -> TermCode:
    """An estimate from samples, and of some methods from the densities of their posteriors."""
    if densities:
        posteriors = tuple(Ref(plan.posterior[one.nodes[0]][0]) for one in densities)
        return TermCode(
            kind="total_correlation",
            left=values[0],
            right=posteriors[0],
            samples=(values, posteriors),
            word=word,
        )
    return TermCode(kind="information", left=values[0], right=values[1], word=word, critic=critic)


def _no_parts(
    atom: TotalCorrelation, method: Method, model: Model, independence: Independence
) -> str:
    """Why no samples of the two parts lie side by side; empty if they do."""
    if atom.given:
        return "it is conditional"
    if len(atom.parts) != 2:
        return "it is between more than two parts"
    families = [model.family_of(part[0]) for part in atom.parts]
    for part, family in zip(atom.parts, families, strict=True):
        reason = _no_sample(part, family, model)
        if reason:
            return reason
    if all(family.role != "latent" for family in families):
        return "it holds no latent"
    return _no_densities(families, model, independence) if method.needs_densities else ""


def _no_sample(part: Sequence[Variable], family: Family, model: Model) -> str:
    """Why a part is no one tensor of numbers."""
    if set(part) != set(family.nodes):
        return "its parts are no whole variables or families"
    if family.classes is not None:
        return f"`{family.name}` is categorical"
    if family.optional:
        return f"`{family.name}` is optional"
    shared = len(_holders(model, part)) > 1
    return f"`{family.name}` is inferred by several networks" if shared else ""


def _no_densities(families: Sequence[Family], model: Model, independence: Independence) -> str:
    """Why the parts are no two blocks of one posterior."""
    if any(family.role != "latent" for family in families):
        return "one of its parts is no latent"
    if not all(model.is_normal(family.nodes[0]) for family in families):
        return "its parts are not normals of independent numbers given the data"
    if len({tensor_shape(family) for family in families}) > 1:
        return "its parts have different shapes"
    parents = [independence.parents(name) for family in families for name in family.nodes]
    inferred = all(parent <= independence.data for parent in parents)
    return "" if inferred else "its parts are not inferred from data alone"


def _posterior(plan: Plan, nodes: Sequence[Variable]) -> Ref:
    posterior, held = plan.posterior[nodes[0]]
    return member_ref(posterior, nodes, held)


# ---- both ----------------------------------------------------------------------------------------


def _critic(plan: Plan, of: str) -> Attribute:
    """The key of a critic's network."""
    return Attribute(f"critic_of:{of}{plan.tag}")


def _declare(
    plan: Plan,
    attribute: Attribute,
    of: str,
    shapes: Sequence[tuple[int, ...]],
    nodes: Sequence[Sequence[Variable]],
) -> None:
    """The critic's network, of samples of some variables."""
    whose = "" if plan.under == "q" else f"[{plan.under}]"
    builder = Builder(
        name="critic",
        count=None,
        inputs=tuple((shape, False) for shape in shapes),
        hidden=_HIDDEN,
        outputs=1,
        reads=tuple(with_scale(node, plan.model) for node in nodes),
    )
    plan.program.add_network(
        NetworkSlot(attribute=attribute, names=(f"critic{whose}({of})",), builder=builder)
    )


def _at(atom: TotalCorrelation) -> tuple[str, str]:
    """The distribution that it is of, where that is not q: as text, and as LaTeX."""
    return ("", "") if atom.under == "q" else (f"[{atom.under}]", f"_{{{atom.under}}}")


def _lines(model: Model, choice: EstimatorChoice | None) -> tuple[int, ...]:
    lines = {term.line for term in model.objective} | ({choice.line} if choice else set())
    return tuple(sorted(lines))


def _latex_parts(atom: TotalCorrelation, members: Sequence[str]) -> str:
    nodes = [name for part in atom.parts for name in part]
    if tuple(nodes) == tuple(members):
        return latex_word(nodes[0].head)
    return "; ".join(latex_names(part) for part in atom.parts)
