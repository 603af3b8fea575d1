"""What stands after `via`: a kind of network, a module of the caller's own, shared or not."""

from __future__ import annotations

__all__ = ["check_shared", "check_shared_further", "check_via", "via_of"]

from collections.abc import Iterable, Mapping, Sequence

from graphdsl.catalog.architectures import ARCHITECTURES
from graphdsl.catalog.laws import joint_law
from graphdsl.declare.distribution_errors import FlowVia
from graphdsl.declare.indices import NO_INDICES, whole
from graphdsl.declare.network_options import check_arguments, options_of
from graphdsl.declare.scope import Scope
from graphdsl.declare.via_errors import (
    NothingToShare,
    SharedByUnequals,
    SharedInVain,
    UnknownModule,
)
from graphdsl.diagnostics import Diagnostic
from graphdsl.ir.networks import Conditional, Network, Via
from graphdsl.ir.symbols import NetworkName, Variable
from graphdsl.syntax import ast


def via_of(scope: Scope, choice: ast.Choice) -> Via:
    """The network that a line asks for."""
    name = choice.name.text
    architecture = ARCHITECTURES.get(_slip_of(name) or name)
    if architecture is None:
        return Via("own", (), name, choice.shared)
    sizes = tuple(
        whole(scope, size, NO_INDICES, "a width", 1) or 1
        for size in choice.arguments
        if not isinstance(size, ast.Reference | ast.Named)
    )
    return Via(
        architecture.word,  # type: ignore[arg-type]  # the words are the names of the records
        sizes or architecture.sizes,
        shared=choice.shared,
        options=options_of(scope, architecture, choice),
    )


def check_via(scope: Scope, line: ast.Line) -> None:
    """Note a slip in the name of a kind, and what a network does not take."""
    if line.via is None:
        return
    name = line.via.name.text
    meant = _slip_of(name)
    if meant:
        scope.note(UnknownModule(span=line.via.name.span, name=name, meant=meant))
        return
    drawn = None if line.drawn is None else joint_law(line.drawn.name.text, ())
    if name not in ARCHITECTURES and drawn is not None and drawn.is_run_alone:
        scope.note(FlowVia(span=line.via.span, name=name))
    check_arguments(scope, line.via)


def check_shared(
    scope: Scope,
    lines: Iterable[ast.Line],
    pairs: Sequence[tuple[Conditional, frozenset[ast.Line]]],
) -> None:
    """Conditionals that share a network are several, and read and answer alike."""
    for line in lines:
        if line.via is None or not line.via.shared:
            continue
        mistake = _unshareable(scope, [one for one, written in pairs if line in written], line.via)
        if mistake is not None:
            scope.note(mistake)


def check_shared_further(
    scope: Scope, block: ast.NetworkBlock, networks: Mapping[NetworkName, Network]
) -> None:
    """The same of `infer r(i) {...}`: its lines share over all the networks that it makes."""
    name = block.name.text
    copies = [one for title, one in networks.items() if title.base == name]
    conditionals = [conditional for network in copies for conditional in network.conditionals]
    for line in block.body.lines:
        own = [one for one in conditionals if line.span.line in one.lines]
        drawn = any(name.block is not None for one in own for name in one.parents)
        if own and not drawn:  # the experts of a drawn set are all those of the family
            check_shared(scope, [line], [(one, frozenset([line])) for one in own])


def _unshareable(
    scope: Scope, conditionals: Sequence[Conditional], via: ast.Choice
) -> Diagnostic | None:
    """Why one network cannot be that of them all; None if it can."""
    readers = [reader for one in conditionals for reader in _readers(one)]
    if len(readers) < 2:
        return NothingToShare(span=via.span)
    if len(set(readers)) == 1:
        return SharedInVain(span=via.span, parents=", ".join(readers[0]))
    pairs = [(readers[0], other) for other in readers[1:]]
    pairs += [(conditionals[0].children, one.children) for one in conditionals[1:]]
    differences = (_difference(scope, left, right) for left, right in pairs)
    difference = next((one for one in differences if one is not None), None)
    if difference is None:
        return None
    left, right, what = difference
    return SharedByUnequals(span=via.span, left=left, right=right, what=what)


def _readers(one: Conditional) -> list[tuple[Variable, ...]]:
    """What each network of a conditional reads."""
    return [one.parents] if one.by == "joint" else [(parent,) for parent in one.parents]


def _difference(
    scope: Scope, left: Sequence[Variable], right: Sequence[Variable]
) -> tuple[str, str, str] | None:
    """Two of two lists of variables that differ, and in what; None if all are alike."""
    if len(left) != len(right):
        return f"`{', '.join(left)}`", f"`{', '.join(right)}`", "number"
    for a, b in zip(left, right, strict=True):
        one, other = scope.family_of(a), scope.family_of(b)
        if (one.kind, one.encoded) != (other.kind, other.encoded):
            return f"`{a}`", f"`{b}`", "kind or shape"
    return None


def _slip_of(name: str) -> str:
    """The kind that a name is one slip of the finger away from, or its capitals; else nothing.

    One letter more, less or other, or two that changed places. What is further away is taken for
    a module of the caller's own: if it is none, the emitted class says so when it is made.
    """
    if name in ARCHITECTURES:
        return ""
    return next((kind for kind in ARCHITECTURES if _is_slip(name.lower(), kind)), "")


def _is_slip(word: str, kind: str) -> bool:
    if abs(len(word) - len(kind)) > 1:
        return False
    pairs = enumerate(zip(word, kind, strict=False))
    start = next((at for at, (a, b) in pairs if a != b), min(len(word), len(kind)))
    left, right = word[start:], kind[start:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]
