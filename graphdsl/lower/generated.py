"""Samples of p, beside those of q: its roots from their priors, and what it generates from them."""

from __future__ import annotations

__all__ = ["Generation", "undrawable"]

from collections.abc import Iterable, MutableMapping

from graphdsl.ir.loss import Generated, PriorSample, Ref
from graphdsl.ir.model import Conditional, Family, Law, Model
from graphdsl.lower.data import sampled
from graphdsl.lower.runs import Plan, run_slot, tensor_shape
from graphdsl.lower.slots import Slot, network_slot, slots

#: The words that make a root's sample of normal noise; a normal one is the noise itself.
_WORDS: dict[Law, str] = {"laplace": "standard_laplace", "categorical": "uniform_categorical"}


def undrawable(names: Iterable[str], model: Model) -> str:
    """Why p's samples of some variables, or of what they come from, are not drawn; or nothing."""
    lines = model.generation.conditionals if model.generation else ()
    waiting, known = list(names), set[str]()
    while waiting:
        family = model.family_of(waiting.pop())
        if family.name in known:
            continue
        known.add(family.name)
        makers = [one for one in lines if set(family.nodes) & set(one.children)]
        reason = _why_not(family, makers, model)
        if reason:
            return reason
        waiting += [parent for one in makers for parent in one.parents]
    return ""


def _why_not(family: Family, makers: list[Conditional], model: Model) -> str:
    if not makers:
        return ""
    if family.role == "latent":
        return f"`{family.name}` has parents in `p`, and is no root that a prior draws"
    if family.classes is not None:
        return f"`{family.name}` is categorical, and what `p` generates is a mean"
    if not any(set(family.nodes) <= set(one.children) for one in slots(makers, model)):
        return f"several networks of `p` generate `{family.name}`, each a part"
    return ""


class Generation:
    """Samples of p, each planned when the first term asks for it.

    What p generates is the mean of its likelihood; the data's own variables that it conditions on
    are the data.
    """

    def __init__(self, plans: MutableMapping[str, Plan]) -> None:
        self.model = plans["q"].model
        self.inferred = {
            node: plan.values[node][0] for plan in plans.values() for node in plan.posterior
        }
        self.plan = plans.setdefault("p", plans["q"].branch("p"))
        self._slots: list[Slot] = []
        if self.model.generation is not None:
            self._slots = list(slots(self.model.generation.conditionals, self.model))

    def sample(self, family: Family) -> Ref:
        """The tensor of a family, drawn from p."""
        target = f"{family.local}_p"
        slot = next((one for one in self._slots if set(family.nodes) <= set(one.children)), None)
        if self.plan.values.get(family.nodes[0], ("",))[0] != target:
            if family.role == "latent":
                self._draw_root(family, target)
            elif slot is None:
                return sampled(self.plan, family)
            else:
                self._generate(family, slot, target)
            self.plan.values.update(dict.fromkeys(family.nodes, (target, family.nodes)))
        return self.plan.value(family.nodes)

    def _draw_root(self, family: Family, target: str) -> None:
        self.plan.forward.append(
            PriorSample(
                target=target,
                latent=family.name,
                like=self.inferred.get(family.nodes[0], ""),
                shape=(*tensor_shape(family), *family.encoded[len(family.shape) :]),
                word=_WORDS.get(family.distribution.law, ""),
            )
        )

    def _generate(self, family: Family, slot: Slot, target: str) -> None:
        for one in slot.conditionals:
            for parent in one.parents:
                self.sample(self.model.family_of(parent))
        likelihood = f"{slot.result}_p"
        self.plan.add_network(network_slot(slot, self.model))
        self.plan.forward.append(run_slot(self.plan, slot, likelihood))
        self.plan.forward.append(
            Generated(target=target, distribution=likelihood, shape=tensor_shape(family))
        )
