"""Informations that are estimated from a minibatch: between factors, and between variables."""

from __future__ import annotations

__all__ = ["estimated_terms"]

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod

from graphdsl.bound.relations import directed
from graphdsl.ir.information import Term, TotalCorrelation, information
from graphdsl.ir.loss import Builder, LossTerm, NetworkSlot, TermCode
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.objective import EstimatorChoice
from graphdsl.ir.symbols import NetworkName, Variable, latex_names, latex_word
from graphdsl.ir.values import NO_ATTRIBUTE, Attribute, Ref
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
    critic = _critic(plan, family.name) if estimator.critic else NO_ATTRIBUTE
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


# ---- two parts -----------------------------------------------------------------------------------


def _of_parts(
    plan: Plan, one: InformationEstimate, taken: Names, sample: Callable[[Family], Ref]
) -> LossTerm:
    weight, atom, estimator = one.weight, one.atom, one.estimator
    at, (left, right), given = _at(atom), one.families, one.given
    label = ",".join(family.name for family in (left, right, given) if family)
    critic = _critic(plan, label) if estimator.critic else NO_ATTRIBUTE
    if estimator.critic == "predictor":
        _declare_predictor(plan, critic, left, right)
    elif critic:
        read = [left, right, given] if given else [left, right]
        shapes = [given.encoded if one is given and given else tensor_shape(one) for one in read]
        of_features = estimator.critic == "features"
        _declare(plan, critic, label, shapes, [one.nodes for one in read], of_features)
    values = sample(left), sample(right)
    densities = (left,) if one.is_encoded else (left, right)
    posteriors = densities if one.method.needs_densities else ()
    code = _parts_code(plan, estimator.word, posteriors, critic, values)
    code = _within(plan, code, given, sample) if given else code
    bar, bar_latex = (f" | {given.name}", f" \\mid {given.name.latex}") if given else ("", "")
    return LossTerm(
        name=taken.take(f"information:{label}{plan.tag}"),
        weight=weight,
        code=code,
        formula=f"I{at[0]}({left.name}; {right.name}{bar})",
        latex=f"I{at[1]}({left.name.latex}; {right.name.latex}{bar_latex})",
        stands_for=(Term(weight, information(atom.parts, atom.given, atom.under)),),
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
        if len(posteriors) == 1:
            return TermCode(kind="information", left=values[0], right=posteriors[0], word=word)
        return TermCode(
            kind="total_correlation",
            left=values[0],
            right=posteriors[0],
            samples=(values, posteriors),
            word=word,
        )
    return TermCode(kind="information", left=values[0], right=values[1], word=word, critic=critic)


def _within(plan: Plan, code: TermCode, given: Family, sample: Callable[[Family], Ref]) -> TermCode:
    """The same within the groups of a variable: what a critic reads of it, and what a row has."""
    held = sample(given)
    plan.forward.extend(plan.inputs.one_hot(given))
    read = held if given.classes is None else Ref(plan.inputs.vector(held.value, given))
    return replace(code, samples=((read,), (held,)), whole=given.classes is not None)


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
    of_features: bool = False,
) -> None:
    """The critic's network, of samples of some variables."""
    builder = Builder(
        name="separable_critic" if of_features else "critic",
        count=None,
        inputs=tuple((shape, False) for shape in shapes),
        hidden=_HIDDEN,
        outputs=1,
        reads=tuple(with_scale(node, plan.model) for node in nodes),
    )
    _add(plan, attribute, of, builder)


def _declare_predictor(plan: Plan, attribute: Attribute, of: Family, given: Family) -> None:
    """The network of a normal of one variable, or family, given another."""
    builder = Builder(
        name="mlp",
        count=None,
        inputs=((tensor_shape(given), False),),
        hidden=_HIDDEN,
        outputs=prod(tensor_shape(of)),
        numbers=2,
        reads=(with_scale(given.nodes, plan.model),),
    )
    _add(plan, attribute, f"{of.name}|{given.name}", builder)


def _add(plan: Plan, attribute: Attribute, of: str, builder: Builder) -> None:
    whose = "" if plan.under == "q" else f"[{plan.under}]"
    name = f"critic{whose}({of})"
    plan.program.add_network(NetworkSlot(attribute=attribute, names=(name,), builder=builder))


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
