"""The methods of an emitted class, each from the statements of the module."""

from __future__ import annotations

__all__ = ["ancestral_sample", "decode", "forward", "infer"]

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from itertools import chain, takewhile

from graphdsl.codegen import tree as py
from graphdsl.codegen.expressions import flat
from graphdsl.codegen.losses import loss_lines, player_entries, sum_lines
from graphdsl.codegen.statements import (
    decoded_entry,
    drawn_entry,
    forward_line,
    infer_line,
    inferred_entry,
)
from graphdsl.codegen.terms import slope_code, term_code
from graphdsl.codegen.words import assign, own_call, torch
from graphdsl.codegen.words import chain as joined
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.statements import Observe

_SELF = py.Parameter("self")
_BATCH = py.Parameter("batch", py.Word("Batch"))
_NOISE = py.Parameter("noise", py.Binary(py.Word("Noise"), "|", py.NONE), py.NONE)


def forward(module: LossModule) -> py.Function:
    """The loss, with the terms and players that it is made of."""
    parts = chain.from_iterable(map(_term, module.terms))
    sums = (*sum_lines(module), *loss_lines(module))
    body = (*_computed(module), *parts, py.Blank(), *sums, py.Return(_losses(module)))
    return py.Function("forward", (_SELF, _BATCH, _NOISE), py.Word("Losses"), _unnamed(body))


def _unnamed(body: tuple[py.Statement, ...]) -> tuple[py.Statement, ...]:
    """A body in which data that nothing reads have no name: they are checked, and no more."""
    mentioned = Counter(name.name for name in py.names(body))
    return tuple(
        py.Do(one.value)
        if isinstance(one, py.Assign)
        and isinstance(one.target, py.Name)
        and mentioned[one.target.name] == 1
        else one
        for one in body
    )


def infer(module: LossModule) -> py.Function:
    """The posterior of every latent."""
    returned = _type({one.distribution for one in module.inferred}, "Posterior")
    lines = chain.from_iterable(map(infer_line, module.infer))
    entries = map(inferred_entry, module.inferred)
    return _answering("infer", (_BATCH, _NOISE), returned, lines, entries)


def decode(module: LossModule) -> py.Function:
    """The likelihood of every observed variable."""
    returned = _type({distribution.distribution for distribution in module.decoded}, "Likelihood")
    values = (
        assign(local, flat(own_call("value_of", py.Name("latents"), py.Literal(name)), indices))
        for local, name, indices in module.latents_decoded
    )
    lines = chain.from_iterable(map(forward_line, module.decode))
    entries = map(decoded_entry, module.decoded)
    latents = py.Parameter("latents", py.Word("Latents"))
    return _answering("decode", (latents,), returned, chain(values, lines), entries)


def ancestral_sample(module: LossModule) -> py.Function:
    """A sample of all that p conditions on."""
    lines = chain.from_iterable(map(forward_line, module.ancestral))
    entries = map(drawn_entry, module.drawn)
    parameters = (py.Parameter("noise", py.Word("Noise")), py.Parameter("given", py.Word("Batch")))
    return _answering("ancestral_sample", parameters, py.Word("Tensor", "torch"), lines, entries)


def _answering(
    name: str,
    parameters: Iterable[py.Parameter],
    values: py.Expression,
    lines: Iterable[py.Statement],
    entries: Iterable[py.Entry],
) -> py.Function:
    """A method that returns a dictionary by variable, and that no gradient goes through."""
    answer = tuple(entries)
    body = (*lines, py.Return(py.Dict(answer, tall=bool(answer))))
    returns = py.Index(py.Name("dict"), (py.Name("str"), values))
    return py.Function(name, (_SELF, *parameters), returns, body, decorator=torch("no_grad"))


def _type(words: Set[str], alias: str) -> py.Expression:
    """The type of a method's answers: the distributions that they are, or any that they may be.

    A label or a flow has a class of its own where it is stacked, which its word does not tell.
    """
    if not words or words & {"Labelled", "Flow"}:
        return py.Word(alias)
    return joined("|", map(py.Word, sorted(words)))


def _computed(module: LossModule) -> Iterator[py.Statement]:
    """What the terms are made of, with the noise once there are data to draw it like."""
    lines = list(module.forward)
    first = next((k for k, line in enumerate(lines) if isinstance(line, Observe)), 0)
    data = list(takewhile(lambda one: isinstance(one, Observe), lines[first:]))
    like = data[0].target.name if data else "batch"
    place = first + len(data)
    noise = assign("noise", own_call("noise_for", py.Name(like), py.Name("noise")))
    yield from chain.from_iterable(map(forward_line, lines[:place]))
    yield noise
    yield from chain.from_iterable(map(forward_line, lines[place:]))


def _term(term: LossTerm) -> Iterator[py.Statement]:
    """A term below its formula; with the loss of a critic that plays against it."""
    where = "line" if len(term.lines) == 1 else "lines"
    place = f"; spec {where} {', '.join(map(str, term.lines))}" if term.lines else ""
    yield py.Blank()
    yield py.Comment(f"{term.formula}{place}")
    both = term.critic and term.critic_code is None
    yield assign((term.name, term.critic) if both else term.name, term_code(term.code))
    if term.critic_code is not None:
        yield assign(term.critic, term_code(term.critic_code))
    if term.slope is not None:
        yield py.Comment(f"{term.slope.formula}, which the critic pays: R1")
        yield assign(term.slope.name, slope_code(term.code, term.slope))


def _losses(module: LossModule) -> py.Call:
    """What `forward` returns."""
    whole = py.Name(module.players[0].loss if module.players else "loss")
    terms = py.Dict(
        tuple(py.Entry(term.name, py.Name(term.name)) for term in module.terms), tall=True
    )
    arguments: list[py.Expression | py.Keyword] = [whole, py.Keyword("terms", terms)]
    if entries := player_entries(module):
        arguments.append(py.Keyword("players", py.Dict(entries, tall=True)))
    return py.Call(py.Word("Losses"), tuple(arguments), tall=True)
