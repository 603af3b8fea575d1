"""The methods of an emitted class, each from the statements of the module."""

from __future__ import annotations

__all__ = ["ancestral_sample", "decode", "forward", "infer"]

from collections.abc import Iterable, Iterator, Set
from itertools import chain, takewhile

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
from graphdsl.codegen.tree import (
    NONE,
    Binary,
    Blank,
    Call,
    Comment,
    Dict,
    Entry,
    Expression,
    Function,
    Index,
    Keyword,
    Literal,
    Name,
    Parameter,
    Return,
    Statement,
    Word,
)
from graphdsl.codegen.words import assign, own_call, torch
from graphdsl.codegen.words import chain as joined
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.statements import Observe

_SELF = Parameter("self")
_BATCH = Parameter("batch", Word("Batch"))
_NOISE = Parameter("noise", Binary(Word("Noise"), "|", NONE), NONE)


def forward(module: LossModule) -> Function:
    """The loss, with the terms and players that it is made of."""
    parts = chain.from_iterable(map(_term, module.terms))
    sums = (*sum_lines(module), *loss_lines(module))
    body = (*_computed(module), *parts, Blank(), *sums, Return(_losses(module)))
    return Function("forward", (_SELF, _BATCH, _NOISE), Word("Losses"), body)


def infer(module: LossModule) -> Function:
    """The posterior of every latent."""
    returned = _type({one.distribution for one in module.inferred}, "Posterior")
    lines = chain.from_iterable(map(infer_line, module.infer))
    entries = map(inferred_entry, module.inferred)
    return _answering("infer", (_BATCH, _NOISE), returned, lines, entries)


def decode(module: LossModule) -> Function:
    """The likelihood of every observed variable."""
    returned = _type({one.distribution for one in module.decoded}, "Likelihood")
    values = (
        assign(local, flat(own_call("value_of", Name("latents"), Literal(name)), indices))
        for local, name, indices in module.latents_decoded
    )
    lines = chain.from_iterable(map(forward_line, module.decode))
    entries = map(decoded_entry, module.decoded)
    latents = Parameter("latents", Word("Latents"))
    return _answering("decode", (latents,), returned, chain(values, lines), entries)


def ancestral_sample(module: LossModule) -> Function:
    """A sample of all that p conditions on."""
    lines = chain.from_iterable(map(forward_line, module.ancestral))
    entries = map(drawn_entry, module.drawn)
    parameters = (Parameter("noise", Word("Noise")), Parameter("given", Word("Batch")))
    return _answering("ancestral_sample", parameters, Word("Tensor", "torch"), lines, entries)


def _answering(
    name: str,
    parameters: Iterable[Parameter],
    values: Expression,
    lines: Iterable[Statement],
    entries: Iterable[Entry],
) -> Function:
    """A method that returns a dictionary by variable, and that no gradient goes through."""
    answer = tuple(entries)
    body = (*lines, Return(Dict(answer, tall=bool(answer))))
    returns = Index(Name("dict"), (Name("str"), values))
    return Function(name, (_SELF, *parameters), returns, body, decorator=torch("no_grad"))


def _type(words: Set[str], alias: str) -> Expression:
    """The type of a method's answers: the distributions that they are, or any that they may be.

    A label or a flow has a class of its own where it is stacked, which its word does not tell.
    """
    if not words or words & {"Labelled", "Flow"}:
        return Word(alias)
    return joined("|", map(Word, sorted(words)))


def _computed(module: LossModule) -> Iterator[Statement]:
    """What the terms are made of, with the noise once there are data to draw it like."""
    lines = list(module.forward)
    first = next((k for k, one in enumerate(lines) if isinstance(one, Observe)), 0)
    data = list(takewhile(lambda one: isinstance(one, Observe), lines[first:]))
    like = data[0].target.name if data else "batch"
    place = first + len(data)
    noise = assign("noise", own_call("noise_for", Name(like), Name("noise")))
    yield from chain.from_iterable(map(forward_line, lines[:place]))
    yield noise
    yield from chain.from_iterable(map(forward_line, lines[place:]))


def _term(term: LossTerm) -> Iterator[Statement]:
    """A term below its formula; with the loss of a critic that plays against it."""
    where = "line" if len(term.lines) == 1 else "lines"
    place = f"; spec {where} {', '.join(map(str, term.lines))}" if term.lines else ""
    yield Blank()
    yield Comment(f"{term.formula}{place}")
    both = term.critic and term.critic_code is None
    yield assign((term.name, term.critic) if both else term.name, term_code(term.code))
    if term.critic_code is not None:
        yield assign(term.critic, term_code(term.critic_code))
    if term.slope is not None:
        yield Comment(f"{term.slope.formula}, which the critic pays: R1")
        yield assign(term.slope.name, slope_code(term.code, term.slope))


def _losses(module: LossModule) -> Call:
    """What `forward` returns."""
    whole = Name(module.players[0].loss if module.players else "loss")
    terms = Dict(tuple(Entry(one.name, Name(one.name)) for one in module.terms), tall=True)
    arguments: list[Expression | Keyword] = [whole, Keyword("terms", terms)]
    if entries := player_entries(module):
        arguments.append(Keyword("players", Dict(entries, tall=True)))
    return Call(Word("Losses"), tuple(arguments), tall=True)
