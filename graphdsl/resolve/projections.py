"""What `D` projects on: a network by name, in place, or that of p."""

from __future__ import annotations

__all__ = ["projected"]

from dataclasses import replace

from graphdsl.declare.indices import Indices
from graphdsl.declare.mask_errors import LearnedNetwork
from graphdsl.declare.networks import instantiate
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import nearest
from graphdsl.ir.networks import Network
from graphdsl.ir.symbols import IndexSet, NetworkName
from graphdsl.resolve.functional_errors import WrongArguments
from graphdsl.resolve.laws import Laws, index_argument, law, only_argument, wrong_index_count
from graphdsl.resolve.term_errors import UnknownNetwork
from graphdsl.syntax import ast


def projected(scope: Scope, laws: Laws, operand: ast.Operand, indices: Indices) -> Network | None:
    """The network behind the `||` of a D; None if there is none of that name."""
    if isinstance(operand, ast.Body):
        return instantiate(scope, operand, None, indices)
    name = operand.name.text
    if name == "G":
        return _of_model(scope, laws, operand, indices)
    scope.used.add(name)
    declared = scope.networks.get(name)
    if declared is None:
        _unknown(scope, operand)
        return None
    values = [index_argument(scope, declared, one, indices) for one in operand.arguments]
    if len(values) != len(declared.formals):
        scope.note(wrong_index_count(operand, declared))
        return None
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    formals = [word.text for word in declared.formals]
    title = NetworkName(name, known)
    bound_by = {
        formal: indices.bound_by.get(_word(argument), argument.span)
        for formal, argument in zip(formals, operand.arguments, strict=True)
    }
    numbers = {name: one for name, one in zip(formals, known, strict=True) if isinstance(one, int)}
    sets = {
        name: one for name, one in zip(formals, known, strict=True) if isinstance(one, IndexSet)
    }
    bound = Indices(numbers, sets, bound_by, "line")
    network = instantiate(scope, declared.body, title, bound)
    return replace(network, line=declared.span.line, column=declared.span.column)


def _of_model(scope: Scope, laws: Laws, operand: ast.Named, indices: Indices) -> Network | None:
    inner = only_argument(operand)
    if inner is None or inner.given or inner.marginal:
        wanted = "`p`, `q` or a further inference network"
        scope.note(WrongArguments(span=operand.span, name="G", wanted=wanted, usage="`G(p)`"))
        return None
    distribution = law(scope, laws, inner, indices)
    source = laws.network(distribution.name) if distribution else None
    if distribution is None or source is None:
        return None
    gates = [gate for conditional in source.conditionals for gate in conditional.gates]
    if gates:
        instead = (
            f"`KL(q || {distribution.name})` may learn them"
            if distribution.name == "p"
            else "name its edges"
        )
        mistake = LearnedNetwork(
            span=operand.span,
            network=f"`G({distribution.name})`",
            gate=gates[0].mask,
            instead=instead,
        )
        scope.note(mistake)
        return None
    edges = source.edges if distribution.name == "p" else _completed(scope, source)
    name = NetworkName("G", (distribution.name,))
    return replace(source, name=name, role="regularizer", edges=edges, conditionals=())


def _completed(scope: Scope, network: Network) -> tuple[tuple[int, int], ...]:
    """The edges of G^q and, among the observed, all of them: the data's joint is arbitrary."""
    data = [
        place
        for place, (name, *_) in enumerate(network.nodes)
        if scope.family_of(name).role != "latent"
    ]
    among = ((a, b) for k, b in enumerate(data) for a in data[:k])
    return tuple(dict.fromkeys((*network.edges, *among)))


def _unknown(scope: Scope, operand: ast.Named) -> None:
    name = operand.name.text
    declared = scope.declared.get(name)
    if scope.is_lost(name) or (declared is not None and declared.what == "network"):
        return
    close = nearest(name, scope.networks)
    guess = f"did you mean `{close}`?" if close else f"declare it: `network {name} {{...}}`"
    if name in ("p", "q"):
        guess = f"write `G({name})` for the network of `{name}`"
    elif declared is not None:
        guess = f"`{name}` is a {declared.what}; a network in place is `D(q || {{x; {name}}})`"
    scope.note(UnknownNetwork(span=operand.name.span, name=name, guess=guess), about=name)


def _word(argument: ast.Argument) -> str:
    return argument.text if isinstance(argument, ast.Word) else ""
