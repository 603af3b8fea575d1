"""Distributions by name: q, p, a further inference network, their marginals and conditionals."""

from __future__ import annotations

__all__ = ["Law", "Laws", "every_law", "law", "no_generation"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from graphdsl.declare.index_errors import WrongIndexCount
from graphdsl.declare.indices import Indices, index_count, whole
from graphdsl.declare.networks import model_network
from graphdsl.declare.references import joined
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Span, nearest
from graphdsl.ir.networks import Network
from graphdsl.ir.objective import EstimatorChoice, ModelChoice
from graphdsl.ir.symbols import IndexSet, NetworkName, Variable
from graphdsl.resolve.divergence_errors import NetworkAsDistribution
from graphdsl.resolve.functional_errors import WrongArguments
from graphdsl.resolve.term_errors import UnknownNetwork
from graphdsl.syntax import ast


@dataclass(slots=True)
class Laws:
    """The distributions of a spec: q and p, and each further one for the arguments it was given."""

    models: dict[NetworkName, Network]  #: `q` and `p`, as far as the spec has them
    #: `r(1)`, as the spec speaks of it
    further: dict[NetworkName, Network] = field(default_factory=dict)
    #: Made in the objective itself.
    choices: list[EstimatorChoice | ModelChoice] = field(default_factory=list)

    def network(self, name: NetworkName) -> Network | None:
        """The network of a distribution."""
        return self.models.get(name) or self.further.get(name)

    def every_inference(self) -> list[Network]:
        """Q, as far as the spec has it, and the further inference networks."""
        return [
            *(model for name, model in self.models.items() if name == "q"),
            *self.further.values(),
        ]

    def trial(self) -> Laws:
        """The same distributions, and further ones of its own."""
        return Laws(self.models, dict(self.further))


@dataclass(frozen=True, slots=True)
class Law:
    """A distribution, and what of it is meant."""

    name: NetworkName  #: `q`, `p`, `r(1)`
    of: tuple[Variable, ...] | None  #: None for all that it holds
    given: frozenset[Variable]
    frozen: bool
    span: Span


def law(scope: Scope, laws: Laws, operand: ast.Operand, indices: Indices) -> Law | None:
    """What a distribution's name stands for; None, and a note, if it is none."""
    if isinstance(operand, ast.Body):
        scope.note(NetworkAsDistribution(span=operand.span, written="{...}"))
        return None
    name = operand.name.text
    if name == "frozen":
        return _frozen(scope, laws, operand, indices)
    if name in ("q", "p"):
        if name == "p" and "p" not in laws.models:
            no_generation(scope, operand)
            return None
        return _part(
            scope, NetworkName(name), operand.arguments, operand.given, indices, operand.span
        )
    block = scope.inferences.get(name)
    if block is None:
        _unknown(scope, operand)
        return None
    return _further(scope, laws, operand, block, indices)


def every_law(scope: Scope, laws: Laws) -> None:
    """Make the further inference networks that nothing speaks of: they may bound an entropy.

    A network of one index is made for every index that some family has; one of several, or of
    sets, only as the spec speaks of it.
    """
    indices = sorted({i[0] for one in scope.families.values() for i in one.members or ()})
    for name, block in scope.inferences.items():
        values: Sequence[int | None] = [None] if not block.formals else indices
        known = [title.arguments for title in laws.further if title.base == name]
        of_sets = any(isinstance(one, IndexSet) for arguments in known for one in arguments[:1])
        if len(block.formals) > 1 or of_sets:
            continue
        for value in values:
            title = NetworkName(name, () if value is None else (value,))
            if title in laws.further:
                continue
            trial = scope.trial()
            given = {} if value is None else {block.formals[0].text: value}
            network = model_network(trial, block, Indices(given, {}, {}, "line"))
            if not trial.found or value is None:
                scope.used |= {name}
                laws.further[title] = replace(network, name=title)


def no_generation(scope: Scope, operand: ast.Named) -> None:
    """Note that p is spoken of, and that there is none."""
    if not scope.is_lost("p"):
        guess = "add a generation network: `p { z -> x }`"
        scope.note(UnknownNetwork(span=operand.span, name="p", guess=guess), about="no p")


def only_argument(operand: ast.Named) -> ast.Named | None:
    """The distribution that `frozen(...)` or `G(...)` stands around, if it is one."""
    match operand.arguments:
        case (ast.Word() as word,):
            return ast.Named(word, (), word.span)
        case (ast.Named() as named,):
            return named
        case _:
            return None


def index_argument(
    scope: Scope, block: ast.NetworkBlock, argument: ast.Argument, indices: Indices
) -> int | IndexSet | None:
    """An index that a network is made for; None, and a note, if it is none."""
    if isinstance(argument, ast.Word) and argument.text in indices.sets:
        return indices.sets[argument.text]
    if isinstance(argument, ast.Reference | ast.Named):
        name, wanted = block.name.text, "indices: numbers, constants and bound names"
        usage = f"`{name}({', '.join('1' * len(block.formals))})`"
        if name in scope.inferences:
            usage += ", with the variables behind it, as in `r(1)(z | x[1])`"
        mistake = WrongArguments(span=argument.span, name=name, wanted=wanted, usage=usage)
        scope.note(mistake)
        return None
    return whole(scope, argument, indices, "an index", 1)


def wrong_index_count(operand: ast.Named, block: ast.NetworkBlock) -> WrongIndexCount:
    """That a network is given too few indices, or too many."""
    name, wanted, given = block.name.text, len(block.formals), len(operand.arguments)
    formals = f"({', '.join(map(str, block.formals))})" if wanted else ""
    usage = f"`{name}{formals}`" + (", with a value for each" if wanted else "")
    return WrongIndexCount(
        span=operand.span,
        name=name,
        wanted=index_count(wanted),
        given=str(given or "none"),
        usage=usage,
    )


def _frozen(scope: Scope, laws: Laws, operand: ast.Named, indices: Indices) -> Law | None:
    inner = only_argument(operand)
    if inner is None or operand.given or operand.marginal:
        usage = "`frozen(p)` or `frozen(q(z | x))`"
        mistake = WrongArguments(
            span=operand.span, name="frozen", wanted="one distribution", usage=usage
        )
        scope.note(mistake)
        return None
    distribution = law(scope, laws, inner, indices)
    return None if distribution is None else replace(distribution, frozen=True)


def _further(
    scope: Scope, laws: Laws, operand: ast.Named, block: ast.NetworkBlock, indices: Indices
) -> Law | None:
    """`r(1)`, `r(S)(z | x[1])`: the network for these arguments is made when first spoken of."""
    scope.used.add(block.name.text)
    count = len(block.formals)
    arguments = operand.arguments
    values = [index_argument(scope, block, argument, indices) for argument in arguments[:count]]
    known = [value for value in values if value is not None]
    if len(known) < count:
        if len(arguments) < count:
            scope.note(wrong_index_count(operand, block))
        return None
    title = NetworkName(block.name.text, known)
    if title not in laws.further:
        formals = [word.text for word in block.formals]
        given = dict(zip(formals, known, strict=True))
        bound = Indices(
            {name: one for name, one in given.items() if isinstance(one, int)},
            {name: one for name, one in given.items() if isinstance(one, IndexSet)},
            {},
            "line",
        )
        laws.further[title] = replace(model_network(scope, block, bound), name=title)
    if operand.marginal is not None:
        of, above = operand.marginal.of, operand.marginal.given
        return _part(scope, title, of, above, indices, operand.span)
    return _part(scope, title, arguments[count:], operand.given, indices, operand.span)


def _part(
    scope: Scope,
    name: NetworkName,
    of: Iterable[ast.Argument],
    given: Iterable[ast.Reference],
    indices: Indices,
    span: Span,
) -> Law | None:
    """The variables that are meant of a distribution."""
    references = []
    for argument in of:
        if isinstance(argument, ast.Word):
            argument = ast.Reference(argument, (), argument.span)
        if not isinstance(argument, ast.Reference):
            usage = f"`{name}(z)` or `{name}(z | x)`"
            scope.note(
                WrongArguments(span=span, name=f"{name}(...)", wanted="variables", usage=usage)
            )
            return None
        references.append(argument)
    wanted = joined(scope, references, indices)
    above = joined(scope, given, indices)
    if wanted is None or above is None:
        return None
    variables = tuple(dict.fromkeys(wanted)) if references else None
    return Law(name, variables, frozenset(above), False, span)


def _unknown(scope: Scope, operand: ast.Named) -> None:
    name = operand.name.text
    declared = scope.declared.get(name)
    if scope.is_lost(name):
        return
    if declared is not None and declared.what == "network":
        scope.used.add(name)
        scope.note(NetworkAsDistribution(span=operand.span, written=str(operand.name)))
        return
    close = nearest(name, ["q", "p", *scope.inferences])
    guess = f"did you mean `{close}`?" if close else "there are `q`, `p`, and what `infer` declares"
    scope.note(UnknownNetwork(span=operand.name.span, name=name, guess=guess))
