"""What rows that lack a view pay of a term, in words for the audit."""

from __future__ import annotations

__all__ = ["paying"]

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.bound.models import Auxiliary, Encoder, SubPosterior, model_ref
from graphdsl.bound.pieces import Piece
from graphdsl.ir.model import Model
from graphdsl.ir.notation import shortened
from graphdsl.ir.symbols import Variable, names


def paying(model: Model, group: Sequence[Piece]) -> str:
    """Of a term whose pieces differ in indices alone; nothing where rows lack nothing of it."""
    if group[0].under == "p":
        return ""
    return "; ".join([*_rows(model, group), *_encoder(model, group), *_models(model, group)])


def _rows(model: Model, group: Sequence[Piece]) -> Iterator[str]:
    """The rows that have the term in their bound."""
    own = [model.labelled(piece.node) for piece in group if piece.needs == (piece.node,)]
    if len(own) > 1:
        yield f"of {_listed(own)}, those that a row has"
    elif own:
        yield f"rows that have {own[0]}"
    several = dict.fromkeys(one.needs for one in group if one.needs not in ((), (one.node,)))
    for needs in shortened([_listed(map(model.labelled, one)) for one in several], "..."):
        yield f"rows that have {needs}"


def _encoder(model: Model, group: Sequence[Piece]) -> Iterator[str]:
    """What a latent is inferred from in rows that lack something, of a rate or an entropy."""
    first = group[0]
    conditionals = model.inference_of(first.under).conditionals
    one = next((each for each in conditionals if first.node in each.children), None)
    read = _optional(model, one.parents) if one is not None else ()
    if one is None or not read or set(read) <= set(first.needs):
        return
    latents = _listed(dict.fromkeys(piece.node for piece in group))
    if one.by == "joint":
        yield f"every row, with the prior of {latents} where it lacks what infers it"
    elif set(read) == set(one.parents):
        yield f"every row, with {latents} inferred from the views that it has, or from the prior"
    else:
        yield f"every row, with {latents} inferred from what it has"


def _models(model: Model, group: Sequence[Piece]) -> Iterator[str]:
    """What the others are asked for in rows that lack what they read."""
    texts: dict[str, None] = {}
    for piece in group:
        match piece.ref:
            case SubPosterior(experts=read):
                text = "sub-posteriors likewise"
            case Encoder(conditional=one):
                read = one.parents
                text = f"{model_ref(piece.ref)} is the prior in rows that lack what it reads"
                text = "sub-posteriors likewise" if one.by != "joint" else text
            case Auxiliary(given=read):
                text = f"{model_ref(piece.ref)} reads zeros for what a row lacks"
            case _:
                continue
        if not set(_optional(model, read)) <= set(piece.needs):
            texts[text] = None
    yield from shortened(list(texts), "...")


def _optional(model: Model, variables: Iterable[Variable]) -> tuple[Variable, ...]:
    """What rows may lack; of a block all that it chooses from."""
    optional: list[Variable] = []
    for name in variables:
        block = name.block
        optional += [name] if block is None else model.members(block.head)
    return tuple(name for name in names(optional) if model.family_of(name).optional)


def _listed(variables: Iterable[Variable]) -> str:
    *most, last = shortened(list(variables), "...")
    return f"{', '.join(most)} and {last}" if most else last
