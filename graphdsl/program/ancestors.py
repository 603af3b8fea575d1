"""Samples of p, beside those of q: its roots from their priors, and what it generates from them."""

from __future__ import annotations

__all__ = ["Generation"]

from collections.abc import Iterable, Iterator, MutableMapping, Sequence

from graphdsl.bound.generated_means import has_density
from graphdsl.ir.model import Family
from graphdsl.ir.slots import Slot
from graphdsl.ir.statements import Assemble, Generated, PriorSample, Ref
from graphdsl.program.data import parents_of, sampled
from graphdsl.program.keys import members
from graphdsl.program.runs import Plan, gathered, held_members, run_slot, slot_shape
from graphdsl.program.slots import member_ref, network_slot


class Generation:
    """Samples of p, each planned when the first term asks for it.

    What `drawing` says is drawn is drawn, categories relaxed where a gradient is to go through
    them; of the rest there is the mean. The data's own variables that p conditions on are the data.
    """

    def __init__(self, plans: MutableMapping[str, Plan]) -> None:
        self.model = plans["q"].model
        self._inferred = {node: held for one in plans.values() for node, held in _inferred(one)}
        if "p" not in plans:
            plans["p"] = plans["q"].branch("p")
            plans["p"].values = {}
        self.plan = plans["p"]
        self._slot_of = {child: slot for slot in self.plan.decoders for child in slot.children}

    def sample(self, family: Family) -> Ref:
        """The tensor of a family, drawn from p, its members side by side."""
        self._draw(family.nodes)
        if len({self.plan.values[node][0] for node in family.nodes}) > 1:
            target = f"{family.name}@p"
            parts = held_members(self.plan.values, family.nodes)
            self._put_together(target, family.nodes, parts)
        return self.plan.value(family.nodes)

    def run(self, node: str) -> None:
        """Ask p's own network for the distribution of something that it generates."""
        slot = self._slot_of[node]
        if node in self.plan.posterior:
            return
        self._draw(self.model.declared(parents_of([slot])))
        for together in gathered(self.plan, slot):
            self.plan.forward.append(together)
        target = f"{slot.result}@p"
        self.plan.add_network(network_slot(slot, self.model))
        self.plan.forward.append(run_slot(self.plan, slot, target))
        self.plan.posterior.update(dict.fromkeys(slot.children, (target, slot.children)))

    def _draw(self, nodes: Iterable[str]) -> None:
        """Draw variables, after all that they come from."""
        waiting = list(self._unknown(nodes))
        while waiting:
            slot = next(one for one in waiting if self.plan.values.keys() >= parents_of([one]))
            waiting.remove(slot)
            self.run(slot.children[0])
            self._draw_generated(slot)

    def _unknown(self, nodes: Iterable[str]) -> Iterator[Slot]:
        """The networks that have to be run first; roots are drawn at once."""
        stack, seen = list(nodes), set[str]()
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
            sampled(self.plan, family)
            self.plan.values.update(dict.fromkeys(roots, (family.name, family.nodes)))
            return
        target = _local(family, roots)
        name, held = self._inferred.get(roots[0], ("", ()))
        noise = member_ref(family.name, roots, family.nodes)
        self.plan.forward.append(
            PriorSample(
                target=target,
                latent=family.name,
                like=name if held == family.nodes else "",
                shape=_shape(family, roots),
                word=family.distribution.law.prior_sample,
                places=noise.places,
                one=noise.one,
                grid=len(family.extents),
            )
        )
        self.plan.values.update(dict.fromkeys(roots, (target, roots)))

    def _draw_generated(self, slot: Slot) -> None:
        """What p's networks answer, or a draw of it."""
        family = self.model.family_of(slot.children[0])
        target = _local(family, slot.children)
        likelihood, _ = self.plan.posterior[slot.children[0]]
        vector = family.role != "latent" and family.classes is not None
        own = slot.children[0] not in self._inferred and family.role == "latent"
        whole = slot.children == family.nodes
        self.plan.forward.append(
            Generated(
                target=target,
                distribution=likelihood,
                shape=(*slot_shape(slot, family), *family.encoded[len(family.shape) :]),
                drawn=has_density(slot.children[0], self.model),
                relaxed=family.kind != "real",
                noise=member_ref(family.name, slot.children, family.nodes) if own else None,
                name=family.name if whole else ",".join(slot.children),
                grid=len(family.extents),
            )
        )
        self.plan.values.update(dict.fromkeys(slot.children, (target, slot.children)))
        if vector:
            self.plan.vectors.add(target)

    def _put_together(self, target: str, nodes: tuple[str, ...], parts: tuple[Ref, ...]) -> None:
        self.plan.forward.append(Assemble(target=target, parts=parts))
        if any(part.name in self.plan.vectors for part in parts):
            self.plan.vectors.add(target)
        self.plan.values.update(dict.fromkeys(nodes, (target, nodes)))


def _inferred(plan: Plan) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Where an inference network's samples are."""
    if plan.under != "p":
        yield from ((node, plan.values[node]) for node in plan.posterior)


def _local(family: Family, nodes: Sequence[str]) -> str:
    """The key of p's samples of a family, or of some members of it."""
    return f"{family.name if nodes == family.nodes else members(family, nodes)}@p"


def _shape(family: Family, nodes: Sequence[str]) -> tuple[int, ...]:
    alone = family.members is None or (len(nodes) == 1 and nodes != family.nodes)
    return family.encoded if alone else (len(nodes), *family.encoded)
