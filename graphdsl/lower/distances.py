"""Distances of distributions that samples tell: MMD, sliced Wasserstein, and games with a critic.

The samples of q are those of the loss; p's are drawn beside them, its roots from their priors and
what it generates at the mean of its likelihood.
"""

from __future__ import annotations

__all__ = ["distance_terms", "unfit_distances"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.information import Collected, Discrepancy, DivergenceAtom, Term
from graphdsl.ir.loss import (
    Builder,
    Generated,
    LossTerm,
    NetworkSlot,
    PriorSample,
    Ref,
    Relation,
    TermCode,
)
from graphdsl.ir.model import Distance, Family, Model
from graphdsl.ir.notation import latex_names, names
from graphdsl.lower.data import observed
from graphdsl.lower.errors import UnfitDistance
from graphdsl.lower.runs import Plan, run_slot, tensor_shape
from graphdsl.lower.slots import Names, Slot, network_slot, slots

_WORDS: dict[str, tuple[str, Relation, str]] = {
    "MMD": ("mmd", "estimate", "maximum mean discrepancy"),
    "W": ("sliced_wasserstein", "estimate", "sliced Wasserstein distance"),
    "JS": ("adversarial_js", "saddle", "a critic of samples (Jensen-Shannon)"),
    "KL": ("adversarial_kl", "saddle", "a critic of samples (density ratio)"),
}
_HIDDEN = (256, 256)


def distance_terms(
    plans: Mapping[str, Plan], collected: Collected, taken: Names
) -> Iterator[LossTerm]:
    """One term for each distance, its samples planned and its critic declared."""
    if not collected.distances:
        return
    generated = _Generation(plans)
    for one in collected.distances:
        yield _term(plans, generated, one, taken)


def unfit_distances(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    """Distances whose samples cannot be drawn."""
    for one in collected.distances:
        reason = _why_not(one.distance, model)
        if reason:
            line = one.lines[0] if one.lines else 1
            yield UnfitDistance(
                span=Span(line, 1, line, 2), distance=_text(one.distance, model), reason=reason
            )


def _why_not(distance: Distance, model: Model) -> str:
    generation = model.generation
    made = {name for one in generation.conditionals for name in one.children} if generation else ()
    families = {model.family_of(name).name: model.family_of(name) for name in distance.variables}
    reasons = (_why_not_of(family, distance, frozenset(made)) for family in families.values())
    return next((reason for reason in reasons if reason), "") or _why_not_drawn(
        distance, model, frozenset(made)
    )


def _why_not_of(family: Family, distance: Distance, made: frozenset[str]) -> str:
    if not set(family.nodes) <= set(distance.variables):
        return f"it is of a part of the family `{family.name}`"
    if family.role == "latent" and made.intersection(family.nodes):
        return f"`{family.name}` has parents in `p`, and is no root that a prior draws"
    if family.role == "latent" and family.distribution.law != "normal":
        return f"`{family.name}` is not normal"
    if family.role != "latent" and not made.issuperset(family.nodes):
        return f"`p` does not generate `{family.name}`"
    if distance.name == "KL" and family.role != "latent":
        return f"a density ratio trains `q` alone, and `p` generates `{family.name}`"
    return f"`{family.name}` is categorical" if family.classes is not None else ""


def _why_not_drawn(distance: Distance, model: Model, made: frozenset[str]) -> str:
    """What `p` generates is drawn from roots: no latent before it has parents in `p`."""
    for name in _drawn_before(distance, model):
        if name in made:
            return f"`{name}`, which `p` generates it from, has parents in `p` itself"
    return ""


def _drawn_before(distance: Distance, model: Model) -> list[str]:
    """The latents that p's samples are generated from."""
    found: dict[str, None] = {}
    waiting = list(distance.variables)
    for name in waiting:
        for one in model.generation.conditionals if model.generation else ():
            above = [each for each in one.parents if name in one.children and each not in found]
            found |= dict.fromkeys(above)
            waiting += above
    return [name for name in found if model.family_of(name).role == "latent"]


class _Generation:
    """Samples of p, each planned when the first distance asks for it."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self.model = plans["q"].model
        self.plan = plans["q"].branch("p")
        self.inferred = {
            node: plan.values[node][0] for plan in plans.values() for node in plan.posterior
        }
        self._slots: list[Slot] = []
        if self.model.generation is not None:
            self._slots = list(slots(self.model.generation.conditionals, self.model))

    def sample(self, family: Family) -> Ref:
        """The tensor of a family, drawn from p."""
        if family.nodes[0] not in self.plan.values or family.role != "latent":
            self._draw(family)
        return self.plan.value(family.nodes)

    def _draw(self, family: Family) -> None:
        target = f"{family.local}_p"
        if self.plan.values.get(family.nodes[0], ("",))[0] == target:
            return
        if family.role == "latent":
            self._draw_root(family, target)
        else:
            self._generate(family, target)
        self.plan.values.update(dict.fromkeys(family.nodes, (target, family.nodes)))

    def _draw_root(self, family: Family, target: str) -> None:
        self.plan.forward.append(
            PriorSample(
                target=target,
                latent=family.name,
                like=self.inferred.get(family.nodes[0], ""),
                shape=tensor_shape(family),
            )
        )

    def _generate(self, family: Family, target: str) -> None:
        slot = next(one for one in self._slots if set(family.nodes) <= set(one.children))
        for one in slot.conditionals:
            for parent in one.parents:
                self.sample(self.model.family_of(parent))
        likelihood = f"{slot.result}_p"
        self.plan.add_network(network_slot(slot, self.model))
        self.plan.forward.append(run_slot(self.plan, slot, likelihood))
        self.plan.forward.append(
            Generated(target=target, distribution=likelihood, shape=tensor_shape(family))
        )


def _term(
    plans: Mapping[str, Plan], generated: _Generation, one: Discrepancy, taken: Names
) -> LossTerm:
    distance, model = one.distance, generated.model
    plan = plans[distance.under]
    families = list(dict.fromkeys(model.family_of(name).name for name in distance.variables))
    several = [model.family(name) for name in families]
    families_of = names(distance.variables)
    word, relation, estimator = _WORDS[distance.name]
    played = relation == "saddle"
    if distance.non_saturating:
        word, relation = "adversarial_js_non_saturating", "surrogate"
        estimator = "a critic of samples, its labels flipped: it has JS's fixed point (p = q) alone"
    label = "_".join(family.local for family in several)
    critic = f"critic_of_{label}" if played else ""
    if critic:
        _declare_critic(plan, critic, several)
    here = tuple(_value(plan, family) for family in several)
    there = tuple(generated.sample(family) for family in several)
    return LossTerm(
        name=taken.take(f"divergence_{label}{plan.tag}"),
        weight=one.weight,
        code=TermCode(
            kind="distance",
            left=here[0],
            right=None,
            word=word,
            samples=(here, there),
            critic=critic,
        ),
        formula=_text(distance, model),
        latex=_latex(distance),
        stands_for=(Term(one.weight, DivergenceAtom(distance.name, families_of, distance.under)),),
        relation=relation,
        bounds=(),
        estimator=estimator,
        lines=one.lines,
        critic=taken.take(f"critic_{label}{plan.tag}") if critic else "",
    )


def _value(plan: Plan, family: Family) -> Ref:
    """The samples of q: data are taken from the batch, if nothing took them before."""
    target = Ref(family.local)
    if family.role != "latent":
        statement = observed(family)
        if statement not in plan.forward:
            plan.forward.insert(0, statement)
        return target
    return plan.value(family.nodes)


def _declare_critic(plan: Plan, attribute: str, families: Iterable[Family]) -> None:
    several = list(families)
    plan.add_network(
        NetworkSlot(
            attribute=attribute,
            names=(f"critic({','.join(family.name for family in several)})",),
            builder=Builder(
                name="critic",
                count=None,
                inputs=tuple((tensor_shape(family), False) for family in several),
                hidden=_HIDDEN,
                outputs=1,
                halves=False,
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
