"""Distances of distributions that samples tell: MMD, sliced Wasserstein, and games with a critic.

The samples of q are those of the loss; p's are drawn beside them, its roots from their priors and
what it generates at the mean of its likelihood.
"""

from __future__ import annotations

__all__ = ["distance_terms", "unfit_distances"]

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence

from graphdsl.bound.ancestry import with_ancestors
from graphdsl.bound.relations import directed
from graphdsl.catalog.laws import NORMAL
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, DivergenceAtom, Term
from graphdsl.ir.loss import Builder, LossTerm, NetworkSlot, SlopePenalty, TermCode
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Family
from graphdsl.ir.notation import number_text
from graphdsl.ir.objective import Distance
from graphdsl.ir.symbols import NetworkName, Variable, latex_names, names
from graphdsl.ir.values import NO_ATTRIBUTE, Attribute
from graphdsl.ir.weight import Weight
from graphdsl.lower.errors import RatioOfGenerated, UnfitDistance
from graphdsl.lower.estimator_choice import DistanceEstimate
from graphdsl.program.ancestors import Generation, sampled
from graphdsl.program.inputs import tensor_shape
from graphdsl.program.names import Names
from graphdsl.program.state import Plan
from graphdsl.slots.networks import with_scale

_HIDDEN = (256, 256)


def distance_terms(
    plans: MutableMapping[NetworkName, Plan], estimates: Sequence[DistanceEstimate], taken: Names
) -> Iterator[LossTerm]:
    """One term for each distance, its samples planned and its critic declared."""
    if not estimates:
        return
    generated = Generation(plans)
    for estimate in estimates:
        yield _term(plans, generated, estimate, taken)


def unfit_distances(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    """Distances whose samples cannot be drawn."""
    for one in collected.distances:
        line = one.lines[0] if one.lines else 1
        span, distance = Span(line, 1, line, 2), _text(one.distance, model)
        reason, generated = _why_not(one.distance, model), _untrained_by_ratio(one.distance, model)
        if reason:
            yield UnfitDistance(span=span, distance=distance, reason=reason)
        elif generated:
            yield RatioOfGenerated(span=span, distance=distance, name=generated)


def _made(model: Model) -> set[Variable]:
    """What p generates from something else."""
    makers = model.generation.conditionals if model.generation else ()
    return {name for maker in makers for name in maker.children}


def _untrained_by_ratio(distance: Distance, model: Model) -> str:
    """The first family that p generates, of a density ratio at q's samples; nothing if none."""
    if distance.name != "KL":
        return ""
    generated = sorted(set(distance.variables) & _made(model), key=distance.variables.index)
    return model.family_of(generated[0]).name if generated else ""


def _why_not(distance: Distance, model: Model) -> str:
    generated = _made(model)
    families = {model.family_of(name).name: model.family_of(name) for name in distance.variables}
    for family in families.values():
        if not set(family.nodes) <= set(distance.variables):
            return f"it is of a part of the family `{family.name}`"
        if family.role == "latent" and family.distribution.law != NORMAL:
            return f"`{family.name}` is not normal"
        if family.role != "latent" and not set(family.nodes) <= set(generated):
            return f"`p` does not generate `{family.name}`"
        if family.classes is not None:
            return f"`{family.name}` is categorical"
    return _chosen_from(distance, model)


def _chosen_from(distance: Distance, model: Model) -> str:
    """That a variable, or what p generates it from, is drawn from a mixture; nothing if none is."""
    makers = model.generation.conditionals if model.generation else ()
    behind = with_ancestors(distance.variables, model)
    for maker in makers:
        drawn = model.distribution_of(maker)
        if drawn.components and behind.intersection(maker.children):
            chosen = f"`{maker.children[0]}` is drawn from `{drawn.written}`"
            return f"{chosen}, whose choice of a component has no gradient"
    return ""


def _term(
    plans: Mapping[NetworkName, Plan], generated: Generation, one: DistanceEstimate, taken: Names
) -> LossTerm:
    discrepancy, model, families = one.discrepancy, generated.model, one.families
    distance, weight, chosen = discrepancy.distance, discrepancy.weight, one.estimator
    plan = plans[distance.under]
    variables = names(distance.variables)
    estimator, label = chosen.named, ",".join(family.name for family in families)
    critic, slope, own = NO_ATTRIBUTE, None, chosen.relation
    if chosen.critic:
        critic = Attribute(f"critic_{'against' if one.is_apart else 'of'}:{label}{plan.tag}")
        _declare_critic(plan, critic, families, one.is_apart)
    here = tuple(sampled(plan, family) for family in families)
    there = tuple(generated.sample(family) for family in families)
    if distance.r1:
        slope = _slope(distance, families, taken.take(f"slope:{label}{plan.tag}"))
        estimator += f"; the critic pays {number_text(distance.r1)} * {slope.formula} (R1)"
        own = "surrogate"  # at its best it is no log-ratio, but where p = q
    return LossTerm(
        name=taken.take(f"divergence:{label}{plan.tag}"),
        weight=weight,
        code=TermCode(
            kind="distance",
            left=here[0],
            right=None,
            word=chosen.word,
            samples=(here, there),
            critic=critic,
        ),
        formula=_text(distance, model),
        latex=_latex(distance),
        stands_for=(Term(weight, DivergenceAtom(distance.name, variables, distance.under)),),
        relation=directed(own, weight, model),
        bounds=(),
        estimator=estimator,
        lines=discrepancy.lines,
        critic=taken.take(f"critic:{label}{plan.tag}") if critic else "",
        slope=slope,
    )


def _slope(distance: Distance, families: Iterable[Family], name: str) -> SlopePenalty:
    """What the critic pays at q's samples; of latents alone it is p's that count as data."""
    side = int(all(family.role == "latent" for family in families))
    formula = f"1/2 E_{'p' if side else distance.under} |grad f|^2"
    return SlopePenalty(name, Weight.number(distance.r1), side, formula)


def _declare_critic(
    plan: Plan, attribute: Attribute, families: Iterable[Family], apart: bool = False
) -> None:
    members = list(families)
    under = "" if plan.under == "q" else f"[{plan.under}]"
    under = f"[{plan.under}||p]" if apart else under
    plan.program.add_network(
        NetworkSlot(
            attribute=attribute,
            names=(f"critic{under}({','.join(family.name for family in members)})",),
            builder=Builder(
                name="critic",
                count=None,
                inputs=tuple((tensor_shape(family), False) for family in members),
                hidden=_HIDDEN,
                outputs=1,
                reads=tuple(with_scale(family.nodes, plan.model) for family in members),
            ),
        )
    )


def _text(distance: Distance, model: Model) -> str:
    inner = ", ".join(dict.fromkeys(model.family_of(name).name for name in distance.variables))
    return f"{distance.name}({distance.under}({inner}) || p({inner}))"


def _latex(distance: Distance) -> str:
    inner = latex_names(names(distance.variables))
    name = f"\\mathrm{{{distance.name}}}"
    return f"{name}({distance.under}({inner}) \\,\\|\\, p({inner}))"
