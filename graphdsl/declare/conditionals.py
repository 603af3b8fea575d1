"""The conditionals of q and p: who shares a network, and how it is computed."""

from __future__ import annotations

__all__ = ["conditionals", "idle_modifiers"]

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from graphdsl.catalog.laws import NORMAL, Law
from graphdsl.declare.distributions import drawn_from
from graphdsl.declare.errors import ModifierTwice
from graphdsl.declare.exposures import check_exposure
from graphdsl.declare.gates import check_gates, gates_of
from graphdsl.declare.groups import check_group
from graphdsl.declare.label_errors import NobodyFillsIn
from graphdsl.declare.lines import Place, Reading, Step
from graphdsl.declare.network_errors import (
    ExpertsNotNormal,
    MisplacedModifier,
    TwoWays,
    UnknownFusion,
)
from graphdsl.declare.network_options import check_norm
from graphdsl.declare.scope import Scope
from graphdsl.declare.via_errors import ImageNotFirst, NotAnImage, SeveralImages
from graphdsl.declare.vias import check_shared, check_via, via_of
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.networks import Conditional, Distribution, Family, Via
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast

_FUSIONS: dict[str, Literal["joint", "poe", "mixture"]] = {
    "joint": "joint",
    "poe": "poe",
    "mixture": "mixture",
}


def conditionals(scope: Scope, reading: Reading, network: str) -> Iterator[Conditional]:
    """Children of the same lines share a network; lines with the same child unite its parents."""
    lines = tuple(dict.fromkeys(step.line for step in reading.steps))
    for line in lines:
        check_via(scope, line)
        _check_modifiers(scope, line, network)
        _check_later(scope, line)
    steps_of: dict[Variable, list[Step]] = {}
    for step in reading.steps:
        for name in _variables(step.children):
            steps_of.setdefault(name, []).append(step)
    together: dict[object, list[Variable]] = {}
    laws: dict[Variable, Law] = {}
    pairs: list[tuple[Conditional, frozenset[ast.Line]]] = []
    for child, steps in steps_of.items():
        instances = tuple(step.instance for step in steps)
        together.setdefault((instances, _apart(child, steps)), []).append(child)
    for children in together.values():
        steps = steps_of[children[0]]
        parents = dict.fromkeys(name for step in steps for name in _variables(step.parents))
        conditional = Conditional(
            network=network,
            children=tuple(children),
            parents=tuple(parents),
            by=_agreed_fusion(scope, children[0], steps),
            via=_agreed_via(scope, children[0], steps),
            drawn=_agreed_drawn(scope, children, steps, network),
            gates=tuple(gates_of(scope, children, steps)),
            lines=tuple(dict.fromkeys(step.line.span.line for step in steps)),
            column=steps[0].line.span.column,
        )
        _check_image(scope, conditional, steps)
        check_norm(scope, conditional, [step.line for step in steps])
        _check_experts(scope, conditional, steps)
        check_gates(scope, conditional, steps[0].line)
        _check_given(scope, conditional, steps)
        for child in conditional.children:
            family, span = _family(scope, child), steps[0].line.span
            check_exposure(scope, conditional, family, span)
            check_group(scope, conditional, family, span)
        _check_one_law(scope, conditional, steps, laws)
        pairs.append((conditional, frozenset(step.line for step in steps)))
        yield conditional
    if network in ("q", "p"):
        check_shared(scope, lines, pairs)


def idle_modifiers(scope: Scope, body: ast.Body) -> None:
    """Note `by` and `via` in a network that is only projected on."""
    for line in body.lines:
        if line.by is not None or line.via is not None:
            _misplaced(scope, line, "a network that `D` projects on is not computed")


def _variables(places: Iterable[Place]) -> list[Variable]:
    return [name for place in places for name in place]


def _apart(child: Variable, steps: Sequence[Step]) -> object:
    """What keeps a child from sharing a network: a mask of its own on what the network reads."""
    if any(step.line.by is not None and step.line.by.text != "joint" for step in steps):
        return ()  # experts are weighed as they come out of their networks
    gates = [gate for step in steps for gate in step.gates.values() if gate.child == child]
    return tuple((gate.parent, gate.mask, gate.entry) for gate in gates)


def _agreed_fusion(
    scope: Scope, child: Variable, steps: Sequence[Step]
) -> Literal["joint", "poe", "mixture"]:
    ways = {step.line.by.text if step.line.by else "joint": step for step in steps}
    known = [way for way in ways if way in _FUSIONS]
    if len(known) > 1:
        first, second = known[:2]
        span = ways[second].line.span
        scope.note(TwoWays(span=span, child=child, first=f"by {first}", second=f"by {second}"))
    return _FUSIONS.get(known[0] if known else "joint", "joint")


def _agreed_via(scope: Scope, child: Variable, steps: Sequence[Step]) -> Via:
    ways = {via_of(scope, step.line.via): step for step in steps if step.line.via is not None}
    if len(ways) > 1:
        first, second = list(ways)[:2]
        span = ways[second].line.span
        scope.note(TwoWays(span=span, child=child, first=f"via {first}", second=f"via {second}"))
    return next(iter(ways), Via())


def _agreed_drawn(
    scope: Scope, children: Sequence[Variable], steps: Sequence[Step], network: str
) -> Distribution | None:
    """What `~` says of the children; lines that agree on a child agree on this as well."""
    first_steps: dict[Distribution, Step] = {}
    for step in steps:
        drawn = step.line.drawn
        if drawn is None:
            continue
        for child in children:
            first_steps.setdefault(drawn_from(scope, drawn, _family(scope, child), network), step)
    if len(first_steps) > 1:
        first, second = list(first_steps)[:2]
        span = first_steps[second].line.span
        ways = f"~ {first.law}", f"~ {second.law}"
        scope.note(TwoWays(span=span, child=children[0], first=ways[0], second=ways[1]))
    return next(iter(first_steps), None)


def _check_one_law(
    scope: Scope, conditional: Conditional, steps: Sequence[Step], laws: dict[Variable, Law]
) -> None:
    """The members of a family are of one law in a network: they are one tensor."""
    for child in conditional.children:
        family = _family(scope, child)
        law = (conditional.drawn or family.distribution).law
        first = laws.setdefault(family.name, law)
        if first != law:
            span = steps[0].line.span
            scope.note(TwoWays(span=span, child=family.name, first=f"~ {first}", second=f"~ {law}"))
            return


def _check_modifiers(scope: Scope, line: ast.Line, network: str) -> None:
    if line.by is not None and line.by.text not in _FUSIONS:
        scope.note(UnknownFusion(span=line.by.span, name=line.by.text))
    elif line.by is not None and line.by.text != "joint" and network == "p":
        _misplaced(scope, line, "experts infer latents, in `q`")


def _check_later(scope: Scope, line: ast.Line) -> None:
    """Modifiers that no stage behind this one knows yet."""
    for span in line.repeated:
        scope.note(ModifierTwice(span=span))


def _misplaced(scope: Scope, line: ast.Line, reason: str) -> None:
    word, name = (line.by, "by") if line.by else (line.via.name if line.via else None, "via")
    if word is not None:
        modifier = f"{name} {word}"
        scope.note(MisplacedModifier(span=word.span, modifier=modifier, reason=reason))


def _check_given(scope: Scope, conditional: Conditional, steps: Sequence[Step]) -> None:
    """A row that lacks what p conditions on has no likelihood until q fills it in."""
    optional = [name for name in conditional.parents if _family(scope, name).optional]
    if conditional.network == "p" and optional:
        scope.note(NobodyFillsIn(span=steps[0].line.span, name=optional[0]))


def _check_experts(scope: Scope, conditional: Conditional, steps: Sequence[Step]) -> None:
    """The product of experts that there is, eq. 13, is one of Gaussians."""
    by = next((step.line.by for step in steps if step.line.by is not None), None)
    if conditional.by == "joint" or by is None or conditional.network == "p":
        return
    for child in conditional.children:
        law = (conditional.drawn or _family(scope, child).distribution).law
        if law != NORMAL:
            scope.note(ExpertsNotNormal(span=by.span, by=by.text, name=child, law=str(law)))
            return


# ---- images --------------------------------------------------------------------------------------


def _check_image(scope: Scope, conditional: Conditional, steps: Sequence[Step]) -> None:
    """A convolution needs one image, channels first: its first parent, or its child."""
    via = next((step.line.via for step in steps if step.line.via is not None), None)
    if conditional.via.name != "conv" or via is None:
        return
    child = _family(scope, conditional.children[0])
    span = via.name.span
    if child.role == "observed":
        mistake = _no_image_to_draw(scope, conditional, span)
    elif conditional.by != "joint":
        mistake = _no_image(scope, conditional.parents, span)
    else:
        mistake = _image_not_first(scope, conditional, span)
    if mistake is not None:
        scope.note(mistake)


def _no_image(scope: Scope, names: Sequence[Variable], span: Span) -> Diagnostic | None:
    for name in names:
        family = _family(scope, name)
        instead = "write `via mlp(400, 400)`"
        if family.kind == "categorical":
            instead += ", or pass a network of your own"
            return NotAnImage(span=span, name=name, is_what="is categorical", instead=instead)
        if len(family.shape) != 3:
            is_what = f"has the shape [{', '.join(map(str, family.shape))}]"
            if family.role == "observed":
                instead = (
                    f"declare `{family.name} : {family.kind}[1, 28, 28]` (channels, height, "
                    "width), or write `via mlp(400, 400)`"
                )
            return NotAnImage(span=span, name=name, is_what=is_what, instead=instead)
    return None


def _image_not_first(scope: Scope, conditional: Conditional, span: Span) -> Diagnostic | None:
    parents = conditional.parents
    images = [name for name in parents if len(_family(scope, name).shape) == 3]
    if not images or _family(scope, images[0]).kind == "categorical":
        return _no_image(scope, images[:1] or parents[:1], span)
    if len(images) > 1:
        return SeveralImages(
            span=span,
            does="convolves",
            first=images[0],
            second=images[1],
            instead="write `by poe`, with a network for each, or `via mlp(400, 400)`",
        )
    if parents[0] == images[0]:
        return None
    others = ", ".join(name for name in parents if name != images[0])
    line = f"{images[0]}, {others} -> {conditional.children[0]}"
    return ImageNotFirst(span=span, first=parents[0], line=line)


def _no_image_to_draw(scope: Scope, conditional: Conditional, span: Span) -> Diagnostic | None:
    first, *others = conditional.children
    if others:
        return SeveralImages(
            span=span,
            does="draws",
            first=first,
            second=others[0],
            instead="give each a network of its own: `-> x[i] via conv for i in 1..2`",
        )
    return _no_image(scope, (first,), span)


def _family(scope: Scope, name: Variable) -> Family:
    return scope.family_of(name)
