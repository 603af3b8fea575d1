"""Sets that are drawn, where a mean over all of them is too long to write out.

A drawn set stands for x[S] and x[not S], two blocks that together are the family x, and for
nothing else: what depends on S in any other way has no one form for all S.
"""

from __future__ import annotations

__all__ = ["WRITTEN_ALWAYS", "WRITTEN_OUT", "block", "check_drawn", "named_draw"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from graphdsl.declare.draw_errors import CannotBeDrawn
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.draws import Draw, inside, outside
from graphdsl.ir.functionals import draws_of, variables_of
from graphdsl.ir.networks import Conditional, Family, Network
from graphdsl.ir.objective import DivergenceOfPosteriors, Functional, PredictiveEntropy, Projection
from graphdsl.ir.symbols import Variable, natural
from graphdsl.syntax import ast

#: The sets of so few members are written out, and of a few more where a drawn one cannot stand.
WRITTEN_ALWAYS, WRITTEN_OUT = 4, 8
_MOST = 62  #: members: a set is one whole number of 64 bits when it is drawn

_FORMS = "say it with `{0}` and `{1}` of one observed family, or take a shorter range"


def named_draw(
    scope: Scope,
    word: ast.Word,
    kind: Literal["subsets", "bipartitions"],
    values: Sequence[int],
    taken: Iterable[str],
) -> str:
    """The name of a drawn set; means over the same sets share one, so that equal terms meet."""
    name = word.text
    if len(values) > _MOST:
        _cannot(scope, word.span, name, f"{_MOST} members are the most that there may be")
    if values[0] != 1:
        _cannot(scope, word.span, name, "they are not of 1..n, as the members of a family are")
    if taken := tuple(taken):
        _cannot(scope, word.span, name, f"this is inside of the mean over `{taken[0]}`")
    wanted = Draw(name=name, kind=kind, count=len(values))
    for known in scope.draws.values():
        if replace(known, name=name, families=()) == wanted:
            return known.name
    number = 1
    while name in scope.draws or (number > 1 and name in scope.declared):
        number += 1
        name = f"{word.text}_{number}"
    scope.draws[name] = replace(wanted, name=name)
    return name


def block(
    scope: Scope,
    reference: ast.Reference,
    family: Family,
    extents: Sequence[Sequence[int]],
    draw: str,
) -> tuple[Variable, ...] | None:
    """`x[S]` or `x[not S]` for a drawn set; None, and a note, if S is not of all of x."""
    drawn, head = scope.draws[draw], family.head
    if len(extents) != 1 or tuple(extents[0]) != tuple(range(1, drawn.count + 1)):
        problem = f"1..{drawn.count} is not all of `{head}`"
        _cannot(scope, reference.span, draw, problem, head)
        return None
    if family.role == "latent":
        _cannot(scope, reference.span, draw, f"`{head}` is latent", head)
        return None
    if head not in drawn.families:
        scope.draws[draw] = replace(drawn, families=(*drawn.families, head))
    is_outside = isinstance(reference.subscripts[0], ast.AllBut)
    return ((outside if is_outside else inside)(head, draw),)


def check_drawn(
    scope: Scope, networks: Sequence[Network], functional: Functional, span: Span
) -> None:
    """Note what makes a functional of a drawn set one that has no form for all sets."""
    draws = draws_of(functional)
    if not draws:
        return
    titles = {functional.under}
    if isinstance(functional, DivergenceOfPosteriors):
        titles.add(functional.network)
    asked = [network for network in networks if network.name in titles]
    spoken = sorted({*variables_of(functional), *(n for term in asked for n in term.variables)})
    blocks = {name: one for name, one in ((name, name.block) for name in spoken) if one}
    heads = list(dict.fromkeys(one.head for one in blocks.values()))
    if not heads:
        return
    members = frozenset(name for part in scope.parts(heads[0]) for name in part.nodes)
    problem = next(_problems(functional, asked, members, list(blocks)), None)
    if len(heads) > 1:
        problem = f"`{heads[0]}` and `{heads[1]}` are two families"
    if problem is not None:
        _cannot(scope, span, draws[0], problem, heads[0])


def _problems(
    functional: Functional,
    asked: Sequence[Network],
    members: frozenset[Variable],
    blocks: Sequence[Variable],
) -> Iterator[str]:
    """Why there is no one form; `blocks` are of one family, of these members."""
    if functional.under == "p":
        yield "this is under `p`"
    if isinstance(functional, PredictiveEntropy):
        yield from (
            f"no one network predicts from `{name}`"
            for name in sorted(functional.given.intersection(blocks))
        )
    else:
        yield from _mixed(functional, members, blocks[0])
        for network in asked:
            if network.name == functional.under:
                yield from _inferred_from_some(network, variables_of(functional), members)
    if isinstance(functional, DivergenceOfPosteriors):
        yield from _no_posterior(functional, asked, members)
    for one in (conditional for network in asked for conditional in network.conditionals):
        read = [name for name in one.parents if name in blocks]
        if read and (one.by != "poe" or len(one.parents) > 1):
            yield f"`{read[0]} -> {one.children[0]}` is not a line of its own `by poe`"


def _mixed(functional: Functional, members: frozenset[Variable], block: Variable) -> Iterator[str]:
    names = variables_of(functional)
    single = sorted(names & members, key=natural)
    whole = names >= members and not isinstance(functional, Projection)
    if single and not whole:
        yield f"`{single[0]}` appears beside `{block}`"


def _inferred_from_some(
    network: Network, names: frozenset[Variable], members: frozenset[Variable]
) -> Iterator[str]:
    """Latents that see some of a family's members: what they say of x[S] depends on S itself."""
    above: dict[Variable, set[Variable]] = {}
    for parent, child in network.edges:
        for name in network.nodes[child]:
            above.setdefault(name, set()).update(network.nodes[parent])
    waiting, seen = sorted(names, key=natural), set(names)
    while waiting:
        name = waiting.pop(0)
        parents = above.get(name, set())
        some = sorted(parents & members, key=natural)
        if some and len(some) < len(members):
            yield f"`{name}` is inferred from `{some[0]}`, and not from all of its family"
            return
        waiting += sorted(parents - seen, key=natural)
        seen |= parents


def _no_posterior(
    functional: DivergenceOfPosteriors, asked: Sequence[Network], members: frozenset[Variable]
) -> Iterator[str]:
    """KL(... || q(z | x[S])) needs q(z | x) as a product, which has a factor for every member."""
    given = sorted(name for name in functional.model_given if name.block is not None)
    if not given:
        return
    if len(functional.model_given) > 1:
        yield f"`{given[0]}` is not all that `{functional.network}` infers from there"
    for network in asked:
        for one in network.conditionals if network.name == functional.network else ():
            infers = set(one.children) & set(functional.variables)
            if infers and not (one.by == "poe" and _sees(one, given[0], members)):
                yield f"`{network.name}` infers `{one.children[0]}` by no product of experts"


def _sees(conditional: Conditional, block: Variable, members: frozenset[Variable]) -> bool:
    return block in conditional.parents or members.issubset(conditional.parents)


def _cannot(scope: Scope, span: Span, name: str, problem: str, head: str = "x") -> None:
    instead = _FORMS.format(inside(head, name), outside(head, name))
    scope.note(CannotBeDrawn(span=span, name=name, problem=problem, instead=instead))
