"""Samples of p, beside those of q: its roots from their priors, and what it generates from them."""

from __future__ import annotations

__all__ = ["Generation", "sampled"]

from collections.abc import Iterable, Iterator, MutableMapping, Sequence

from graphdsl.bound.generated_means import has_density
from graphdsl.ir.networks import Family
from graphdsl.ir.statements import Assemble, Generated, PriorSample
from graphdsl.ir.symbols import NetworkName, P, Q, Variable
from graphdsl.ir.values import Ref, Value
from graphdsl.program.inputs import parents_of
from graphdsl.program.members import member_noise
from graphdsl.program.runs import gathered, held_members, run_slot, slot_shape
from graphdsl.program.state import Held, Plan
from graphdsl.slots.keys import members
from graphdsl.slots.networks import network_slot
from graphdsl.slots.slots import Slot


class Generation:
    """Samples of p, each planned when the first term asks for it.

    What `drawing` says is drawn is drawn, categories relaxed where a gradient is to go through
    them; of the rest there is the mean. The data's own variables that p conditions on are the data.
    """

    def __init__(self, plans: MutableMapping[NetworkName, Plan]) -> None:
        self.model = plans[Q].model
        self._inferred = {node: held for one in plans.values() for node, held in _inferred(one)}
        if P not in plans:
            plans[P] = plans[Q].branch(P)
            plans[P].values = {}
        self.plan = plans[P]
        self._slot_of = {
            child: slot for slot in self.plan.program.decoders for child in slot.children
        }

    def sample(self, family: Family) -> Ref:
        """The tensor of a family, drawn from p, its members side by side."""
        self._draw(family.nodes)
        if len({self.plan.values[node][0] for node in family.nodes}) > 1:
            self._put_together(family)
        return self.plan.value(family.nodes)

    def run(self, node: Variable) -> None:
        """Ask p's own network for the distribution of something that it generates."""
        slot = self._slot_of[node]
        if node in self.plan.posterior:
            return
        self._draw(self.model.declared(parents_of([slot])))
        self.plan.forward.extend(gathered(self.plan, slot))
        self.plan.program.add_network(network_slot(slot, self.model))
        run = self.plan.forward.add(run_slot(self.plan, slot, f"{slot.result}@p"))
        self.plan.posterior.update(dict.fromkeys(slot.children, (run.target, slot.children)))

    def _draw(self, nodes: Iterable[Variable]) -> None:
        """Draw variables, after all that they come from."""
        waiting = list(self._unknown(nodes))
        while waiting:
            slot = next(one for one in waiting if self.plan.values.keys() >= parents_of([one]))
            waiting.remove(slot)
            self.run(slot.children[0])
            self._draw_generated(slot)

    def _unknown(self, nodes: Iterable[Variable]) -> Iterator[Slot]:
        """The networks that have to be run first; roots are drawn at once."""
        stack, seen = list(nodes), set[Variable]()
        while stack:
            node = stack.pop()
            if node in self.plan.values or node in seen:
                continue
            if node not in self._slot_of:
                self._draw_root(self.model.family_of(node))
                continue
            slot = self._slot_of[node]
            seen.update(slot.children)
            stack += self.model.declared(parents_of([slot]))
            yield slot

    def _draw_root(self, family: Family) -> None:
        roots = tuple(node for node in family.nodes if node not in self._slot_of)
        if family.role != "latent":
            held_by = sampled(self.plan, family).value, family.nodes
            self.plan.values.update(dict.fromkeys(roots, held_by))
            return
        held = self._inferred.get(roots[0])
        sample = self.plan.forward.add(
            PriorSample(
                target=Value(_wish(family, roots), _shape(family, roots)),
                noise=member_noise(family, roots),
                like=held[0] if held is not None and held[1] == family.nodes else None,
                word=family.distribution.law.prior_sample,
            )
        )
        self.plan.values.update(dict.fromkeys(roots, (sample.target, roots)))

    def _draw_generated(self, slot: Slot) -> None:
        """What p's networks answer, or a draw of it."""
        family = self.model.family_of(slot.children[0])
        likelihood, _ = self.plan.posterior[slot.children[0]]
        vector = family.role != "latent" and family.classes is not None
        own = slot.children[0] not in self._inferred and family.role == "latent"
        shape = (*slot_shape(slot, family), *family.encoded[len(family.shape) :])
        whole = slot.children == family.nodes
        held = self._inferred.get(slot.children[0])
        like = held[0] if held and held[1] == slot.children and not slot.arguments else None
        sample = self.plan.forward.add(
            Generated(
                target=Value(_wish(family, slot.children), shape),
                distribution=likelihood,
                drawn=has_density(slot.children[0], self.model),
                relaxed=family.distribution.law.gradient == "relaxed",
                noise=member_noise(family, slot.children) if own else None,
                name=family.name if whole else ",".join(slot.children),
                like=like,
            )
        )
        self.plan.values.update(dict.fromkeys(slot.children, (sample.target, slot.children)))
        if vector:
            self.plan.vectors.add(sample.target)

    def _put_together(self, family: Family) -> None:
        parts = held_members(self.plan.values, family.nodes)
        whole = self.plan.forward.add(Assemble(target=Value(f"{family.name}@p"), parts=parts))
        if any(part.value in self.plan.vectors for part in parts):
            self.plan.vectors.add(whole.target)
        self.plan.values.update(dict.fromkeys(family.nodes, (whole.target, family.nodes)))


def sampled(plan: Plan, family: Family) -> Ref:
    """The samples of q: data are taken from the batch, if nothing took them before."""
    if family.role != "latent":
        return Ref(plan.forward.add_first(plan.inputs.observed(family)).target)
    return plan.value(family.nodes)


def _inferred(plan: Plan) -> Iterator[tuple[str, Held]]:
    """Where an inference network's samples are."""
    if plan.under != "p":
        yield from ((node, plan.values[node]) for node in plan.posterior)


def _wish(family: Family, nodes: Sequence[Variable]) -> str:
    """What p's samples of a family are called, or those of some members of it."""
    return f"{family.name if nodes == family.nodes else members(family, nodes)}@p"


def _shape(family: Family, nodes: Sequence[Variable]) -> tuple[int, ...]:
    alone = family.members is None or (len(nodes) == 1 and nodes != family.nodes)
    return family.encoded if alone else (len(nodes), *family.encoded)
