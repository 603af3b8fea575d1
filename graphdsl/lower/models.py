"""Which model r(v|S) bounds an entropy H(v|S): rule 4 of the language."""

from __future__ import annotations

__all__ = ["Auxiliary", "Decoder", "ModelRef", "Prior", "SubPosterior", "choose_model", "printed"]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from graphdsl.ir.model import Conditional, Model, Network
from graphdsl.ir.notation import names, natural


@dataclass(frozen=True, slots=True)
class Prior:
    """The prior of a latent, as declared."""

    node: str


@dataclass(frozen=True, slots=True)
class Decoder:
    """A conditional of p."""

    node: str
    conditional: Conditional


@dataclass(frozen=True, slots=True)
class SubPosterior:
    """A product of some of the experts of a posterior: q(z|x_S)."""

    node: str
    conditional: Conditional
    experts: tuple[str, ...]  #: the parents in S


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A network made for a bound, where no other fits."""

    node: str
    given: tuple[str, ...]


ModelRef: TypeAlias = Prior | Decoder | SubPosterior | Auxiliary


def choose_model(node: str, given: frozenset[str], model: Model) -> ModelRef:
    """Of the models whose parents lie in `given`, the one with most parents.

    Candidates are q's sub-posteriors and p's conditionals; where there is none, a new network.
    """
    candidates: list[tuple[int, ModelRef]] = []
    for conditional in _of(node, model.inference):
        experts = tuple(name for name in conditional.parents if name in given)
        if conditional.by == "poe" and experts:
            candidates.append((len(experts), SubPosterior(node, conditional, experts)))
    if model.generation is not None:
        for conditional in _of(node, model.generation):
            if given.issuperset(conditional.parents):
                candidates.append((len(conditional.parents), Decoder(node, conditional)))
    if model.family_of(node).prior and model.family_of(node).role == "latent":
        candidates.append((0, Prior(node)))
    if not candidates:
        return Auxiliary(node, names(given))
    return max(candidates, key=lambda candidate: candidate[0])[1]


def printed(ref: ModelRef) -> str:
    """A model as it is printed everywhere: `p(x[1]|z,u[1])`."""
    match ref:
        case Prior(node):
            return f"p({node})"
        case Decoder(node, conditional):
            return f"p({node}|{','.join(conditional.parents)})"
        case SubPosterior(node, _, experts):
            return f"q({node}|{','.join(sorted(experts, key=natural))})"
        case Auxiliary(node, given):
            return f"r({node}|{','.join(given)})" if given else f"r({node})"


def _of(node: str, network: Network) -> Iterable[Conditional]:
    return (one for one in network.conditionals if node in one.children)
