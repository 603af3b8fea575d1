"""Optional variables that q has a line for: labels that some rows have, and q fills in elsewhere.

Such a variable is a latent, which a row may know. What rows know of it is data of its own, the
family of labels: in G^q it is a parent of the variable that no network reads, so that whatever it
says about other data is allowed for (rule 7).
"""

from __future__ import annotations

__all__ = ["check_labels", "declare_labels", "labels_of", "with_labels"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from graphdsl.catalog.laws import NORMAL
from graphdsl.declare.label_errors import LabelElsewhere, LabelPosterior, LabelUnfit
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span
from graphdsl.ir.networks import Conditional, Family, Network, Stretch
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast


def declare_labels(scope: Scope, spec: ast.Spec) -> None:
    """Make latents of the optional variables that q has a line for, each with its labels."""
    inferred = _inferred(spec)
    families: dict[str, Family] = {}
    for name, family in scope.families.items():
        if not family.optional or family.head not in inferred:
            families[name] = family
        elif _fits(scope, family):
            labels = _free(scope, f"label_{name}")
            families[name] = replace(
                family, role="latent", optional=False, prior=True, labels=labels
            )
            families[labels] = replace(family, name=labels, label_of=family.name)
    scope.replace(families)
    _check_others(scope, spec)


def with_labels(scope: Scope, network: Network) -> Network:
    """The inference network, with an edge from each label to what it is of."""
    nodes, written = list(network.nodes), dict(zip(network.edges, network.written, strict=True))
    for child, stretches in dict(_into_labelled(scope, network)).items():
        nodes.append((scope.family_of(child).label(child),))
        written[len(nodes) - 1, network.nodes.index((child,))] = stretches
    return replace(
        network, nodes=tuple(nodes), edges=tuple(written), written=tuple(written.values())
    )


def check_labels(scope: Scope, network: Network) -> None:
    """Note posteriors of labels that no row's own value can stand in for."""
    for conditional in network.conditionals:
        for child in conditional.children:
            family = scope.family_of(child)
            reason = _unfit_posterior(family, conditional) if family.labels else ""
            if reason:
                span = Span(
                    conditional.lines[0],
                    conditional.column,
                    conditional.lines[0],
                    conditional.column + 1,
                )
                scope.note(LabelPosterior(span=span, name=child, reason=reason))


def labels_of(scope: Scope, names: Iterable[Variable]) -> tuple[Variable, ...]:
    """What is to be predicted: of what q fills in, the labels."""
    families = ((name, scope.family_of(name)) for name in names)
    return tuple(family.label(name) if family.labels else name for name, family in families)


def _inferred(spec: ast.Spec) -> frozenset[str]:
    """The names in which an edge of q ends."""
    blocks = (statement for statement in spec.statements if isinstance(statement, ast.NetworkBlock))
    return frozenset(
        reference.name.text
        for block in blocks
        if block.role == "inference"
        for line in block.body.lines
        for group in line.groups[1:]
        for reference in _references(group)
    )


def _references(group: ast.Group) -> Iterator[ast.Reference]:
    for place in group:
        yield from place.members if isinstance(place, ast.Block) else (place,)


def _fits(scope: Scope, family: Family) -> bool:
    """Whether q can fill a variable in; a note if not, and the family is left out."""
    reason, instead = _unfit(family)
    if reason:
        span = Span(family.line, family.column, family.line, family.column + len(family.head))
        name = family.head if family.index else family.name
        scope.note(LabelUnfit(span=span, name=name, reason=reason, instead=instead))
    return not reason


def _unfit(family: Family) -> tuple[str, str]:
    """Why q cannot fill a variable in, and what to write; nothing if it can."""
    if family.distribution.law.gradient == "none":
        return (
            f"`q` draws no differentiable samples of `{family.distribution.law}`",
            "declare `real`, or `categorical(k)` of the counts that there are",
        )
    scale = family.distribution.law.scale
    if scale is not None and scale.default == "learned":
        law = family.distribution.law
        return (
            f"a label needs a prior without parameters, and `{law}` learns its {scale.word}",
            "write `~ categorical`" if family.classes else "declare its logarithm, `real ~ normal`",
        )
    if family.distribution.scale is not None:
        return (
            "the word after `~` is then its prior, whose scale is 1",
            f"write `~ {family.distribution.law}`, and scale the data",
        )
    if family.index:
        return (
            "its members are declared one by one",
            f"declare `{family.head}[1..2]` as one family, or variables of their own",
        )
    return "", ""


def _unfit_posterior(family: Family, one: Conditional) -> str:
    law = (one.drawn or family.distribution).law
    if law.joint:
        return f"a row's own value cannot stand in for a sample of `~ {law}`"
    mixed = one.by == "mixture" and law == NORMAL
    return "a mixture has no one network of its own" if mixed else ""


def _check_others(scope: Scope, spec: ast.Spec) -> None:
    """Further inference networks have no labels."""
    for block in spec.statements:
        if not isinstance(block, ast.NetworkBlock) or block.role != "further":
            continue
        for line in block.body.lines:
            for reference in (one for group in line.groups for one in _references(group)):
                parts = scope.parts(reference.name.text)
                if any(family.labels for family in parts):
                    name = reference.name.text
                    network = block.name.text
                    scope.note(LabelElsewhere(span=reference.span, name=name, network=network))


def _free(scope: Scope, name: str) -> Variable:
    """A name that no variable has."""
    while name in scope.declared:
        name += "_"
    return Variable(name)


def _into_labelled(
    scope: Scope, network: Network
) -> Iterator[tuple[Variable, tuple[Stretch, Stretch]]]:
    """The variables with labels that edges end in, each with one such edge as it is written."""
    edges: Mapping[tuple[int, int], tuple[Stretch, Stretch]]
    edges = dict(zip(network.edges, network.written, strict=True))
    for (_, place), stretches in edges.items():
        for child in network.nodes[place]:
            if scope.family_of(child).labels:
                yield child, stretches
