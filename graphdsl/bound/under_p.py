"""What of p's own samples is computed, and why the rest is not."""

from __future__ import annotations

__all__ = ["INSTEAD_OF_SAMPLES", "not_of_samples", "unfit_under_p", "unmodelled_under_p"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.bound.errors import UnderGeneration
from graphdsl.bound.generated_means import has_density
from graphdsl.bound.models import Auxiliary
from graphdsl.bound.pieces import Piece
from graphdsl.catalog.methods import METHODS, Method
from graphdsl.diagnostics import Diagnostic, Span, one_of
from graphdsl.ir.information import Collected, TotalCorrelation, entropy
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Family
from graphdsl.ir.symbols import P, Variable, names

_TOLD = "bound what others say of `{0}` by a predictor, as in `CE[p]({0} | ...)`"


def unmodelled_under_p(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    """Penalties and constraints on p's own networks: its samples estimate nothing of them."""
    for one in collected.models:
        if one.atom.under != "p":
            continue
        if one.atom.environment or one.atom.frozen:
            term = f"{one.atom.penalty if one.atom.environment else 'CE'}[p]({one.atom.node} | ...)"
            line = one.lines[0] if one.lines else 1
            yield UnderGeneration(
                span=Span(line, 1, line, 2),
                term=term,
                reason="p's samples tell nothing of it",
                instead=_TOLD.format(one.atom.node),
            )


def unfit_under_p(pieces: Iterable[Piece], model: Model) -> Iterator[Diagnostic]:
    """The first piece that would need a density, or a draw, that p does not have."""
    for piece in pieces:
        if piece.under != "p":
            continue
        mistake = _without_density(piece, model) or _without_draws(piece, model)
        if mistake:
            term, reason, instead = mistake
            line = piece.lines[0] if piece.lines else model.objective[0].line
            span = Span(line, 1, line, 2)
            yield UnderGeneration(span=span, term=term, reason=reason, instead=instead)
            return


_OF_SAMPLES = [
    one.word for one in METHODS.values() if "information" in one.targets and not one.needs_densities
]
INSTEAD_OF_SAMPLES = f"samples of `p` tell it by {one_of(_OF_SAMPLES)}"


def not_of_samples(atom: TotalCorrelation, method: Method, model: Model) -> str:
    """Why samples of another distribution than q do not tell it; empty if they do."""
    names_of = [name for part in atom.parts for name in part]
    families = {model.family_of(name).name: model.family_of(name) for name in names_of}
    if atom.under != "p":
        return f"it is under `{atom.under}`, and not under `q` or `p`"
    if method.needs_densities:
        return "that takes the densities of posteriors, given the data"
    if atom.given:
        return "it is conditional"
    for family in families.values():
        if family.classes is not None:
            return f"`{family.name}` is categorical"
        if family.optional:
            return f"`{family.name}` is optional"
    refused = (_not_drawn(name, model) for name in names_of)
    why = next((one for one in refused if one), "")
    return why or _no_shape(atom, method, families, model)


def _no_shape(
    atom: TotalCorrelation, method: Method, families: Mapping[Variable, Family], model: Model
) -> str:
    """Why the parts are neither two whole variables, nor factors of one family."""
    wholes = [set(model.family_of(part[0]).nodes) == set(part) for part in atom.parts]
    if len(atom.parts) == 2 and all(wholes):
        return ""
    factors = len(families) == 1 and all(len(part) == 1 for part in atom.parts)
    if method.factors is not None and factors:
        return ""
    return "its parts are neither two whole variables or families, nor factors of one"


_OF_CLASSES = "make it a category"
_Why = tuple[str, str, str]  #: the term, why it is not computed, and what to write instead


def _without_density(piece: Piece, model: Model) -> _Why | None:
    """Why p's own entropy of a variable is not computed."""
    node, maker = piece.node, _maker(piece.node, model)
    if piece.kind not in ("kl", "entropy") or maker is None:
        return None
    term = str(entropy((node,), maker.parents, P))
    if not has_density(node, model):
        why = f"`{node}` is compared with data as p's networks answer, and has no density: what it "
        why += "holds of its latents has no upper bound"
        return term, why, _instead_of_density(node, maker, model)
    law = model.distribution_of(maker, node).law
    if piece.kind == "entropy" and not law.entropy:
        return term, f"`{node}` is `{law}`, whose entropy has no closed form", _OF_CLASSES
    return None


def _instead_of_density(node: Variable, maker: Conditional, model: Model) -> str:
    """A bound from the other side, and an estimator that takes samples alone."""
    known = [model.family_of(name) for name in maker.parents]
    parent = next((one.name for one in known if one.classes is None), "")
    ways = [f"bound it from below, `-I[p]({node}; {known[0].name})`"]
    if parent:
        ways.append(f"`estimate I[p]({node}; {parent}) with mine`")
    family = model.family_of(node)
    if family.kind == "real":
        ways.append(f"declare its noise: `{family.name} : real ~ normal(scale = 0.1)`")
    return f"{', '.join(ways[:-1])}, or {ways[-1]}" if len(ways) > 1 else ways[0]


def _without_draws(piece: Piece, model: Model) -> _Why | None:
    """Why a value of p that a piece reads is not drawn."""
    for name in _drawn(piece, model):
        family, maker = model.family_of(name), _maker(name, model)
        term = str(entropy((piece.node,), _read(piece, model), P))
        if maker is None:
            if family.role == "latent" and not family.prior:
                why = f"`{name}` is a root of `p`, and has no distribution"
                return term, why, f"declare one: `latent {family.name} : real ~ normal`"
            if family.optional:
                why = f"rows may lack `{name}`, which `p` conditions on"
                return term, why, "condition on what every row has"
        elif _has_no_gradient(name, maker, model):
            return term, _not_drawn(name, model), "make it a category, or real"
    return None


def _has_no_gradient(name: Variable, maker: Conditional, model: Model) -> bool:
    return model.distribution_of(maker, name).law.gradient == "none" and has_density(name, model)


def _not_drawn(name: Variable, model: Model) -> str:
    """Why p draws no values of a variable, or of what it comes from."""
    for one in (name, *_above(name, model)):
        maker = _maker(one, model)
        if maker is not None and _has_no_gradient(one, maker, model):
            law = model.distribution_of(maker, one).law
            return f"`{one}` is `{law}`, and no gradient goes through a draw of it"
    return ""


def _drawn(piece: Piece, model: Model) -> list[Variable]:
    """All whose values a piece takes, and what they come from."""
    waiting = list(_read(piece, model))
    if piece.kind not in ("kl", "entropy"):
        waiting.append(piece.node)
    else:
        waiting += _maker_parents(piece.node, model)
    return list(dict.fromkeys(one for name in waiting for one in (name, *_above(name, model))))


def _above(name: Variable, model: Model) -> list[Variable]:
    """All that p generates a variable from."""
    ancestors, waiting = list[Variable](), list(_maker_parents(name, model))
    while waiting:
        one = waiting.pop()
        if one not in ancestors:
            ancestors.append(one)
            waiting += _maker_parents(one, model)
    return ancestors


def _read(piece: Piece, model: Model) -> tuple[Variable, ...]:
    """What the model of a piece reads."""
    if isinstance(piece.ref, Auxiliary):
        return piece.ref.given
    return names(_maker_parents(piece.node, model))


def _maker(name: Variable, model: Model) -> Conditional | None:
    conditionals = model.generation.conditionals if model.generation else ()
    return next((one for one in conditionals if name in one.children), None)


def _maker_parents(name: Variable, model: Model) -> tuple[Variable, ...]:
    maker = _maker(name, model)
    return () if maker is None else maker.parents
