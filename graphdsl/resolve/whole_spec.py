"""What a spec must have as a whole, must have once, and should not have in vain."""

from __future__ import annotations

__all__ = ["check_selectors", "check_whole", "unused"]

from collections.abc import Iterable, Iterator

from graphdsl.declare.errors import MissingStatement, ReservedName, StatementTwice, Unused
from graphdsl.declare.scope import Scope
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.objective import (
    Distance,
    DivergenceOfPosteriors,
    Functional,
    InvariancePenalty,
    MultiInformation,
    PredictiveEntropy,
    UncertaintyOf,
)
from graphdsl.ir.symbols import Variable
from graphdsl.syntax import ast

_START = Span(1, 1, 1, 2)
_NEEDED = {
    "`model` line": "its name as the first line: `model my_model`",
    "observed variable": "one for each kind of data: `observed x : binary[64]`",
    "inference network": "a block `q { x -> z }`",
    "objective": "a line such as `minimize KL(q || p)`",
}
_ONCE = {
    "`model` line": "a spec is one model: delete one of the two",
    "inference network": "write all its lines in one block `q {...}`",
    "generation network": "write all its lines in one block `p {...}`",
    "objective": "join the terms of both with `+`, or say whose each is: `minimize ... for q`",
}
_PLACES = {
    "constant": "a size, an index or a weight",
    "parameter": "a weight of the objective",
    "variable": "a network",
    "mask": "a line of `q` or `p`: `z -> x if {name}[1]`",
    "network": "the objective: `D(q || {name})`",
}


def check_selectors(scope: Scope, networks: Iterable[Network]) -> None:
    """Variables with the name of the hidden one that chooses an expert of a mixture."""
    mixtures = (
        conditional
        for each in networks
        for conditional in each.conditionals
        if conditional.by == "mixture"
    )
    for name, child in {mixture.selector: mixture.children[0] for mixture in mixtures}.items():
        if name in scope.declared:
            reason = (
                f"the mixture of `{child}` chooses its expert by a hidden variable of that name"
            )
            span = scope.declared[name].span
            scope.note(ReservedName(span=span, name=name, reason=reason, other=f"my_{name}"))


def check_whole(scope: Scope, spec: ast.Spec) -> None:
    """Note what is missing from a spec, and what it has twice."""
    seen: dict[str, ast.Statement] = {}
    present: set[str] = set()
    by_player = any(isinstance(one, ast.Goal) and one.owners for one in spec.statements)
    for statement in spec.statements:
        what = _what(statement)
        if _is_further(statement):
            present.add(what)
            continue
        apart = what == "objective" and by_player  # then each says whose it is
        if what in _ONCE and what in seen and not apart:
            scope.note(
                StatementTwice(
                    span=_first_word(statement),
                    what=what,
                    line=seen[what].span.line,
                    instead=_ONCE[what],
                )
            )
        seen.setdefault(what, statement)
        if isinstance(statement, ast.ModelName):
            _check_model_name(scope, statement)
    for network in scope.networks.values():
        if network.name.text not in scope.used:
            _check_names(scope, network)
    if not spec.broken:  # what is missing may stand in a statement that could not be read
        _check_complete(scope, spec, present | set(seen))


def unused(scope: Scope, model: Model) -> Iterator[Diagnostic]:
    """Warnings of what is declared in vain."""
    used = set(model.inference.variables)
    used |= set(model.generation.variables) if model.generation else set()
    used |= {name for projection in model.projections for name in projection.network.variables}
    used |= {name for network in model.further for name in network.variables}
    used |= {name for term in model.asked() for name in _spoken_of(term.functional)}
    in_networks = {name.head for name in used}
    for name, declared in scope.declared.items():
        if name not in (in_networks if declared.what == "variable" else scope.used):
            place = _PLACES[declared.what].format(name=name)
            yield Unused(span=declared.span, name=name, place=place)


def _spoken_of(functional: Functional) -> frozenset[Variable]:
    """The variables that an information or an entropy names."""
    match functional:
        case MultiInformation(parts, given):
            return given.union(*parts)
        case UncertaintyOf(of, given):
            return of | given
        case PredictiveEntropy(of, given) | DivergenceOfPosteriors(of, given):
            return given.union(of)
        case Distance(_, variables):
            return frozenset(variables)
        case InvariancePenalty(name, given, environment):
            return given | {name, environment}
        case _:
            return frozenset()


def _check_complete(scope: Scope, spec: ast.Spec, present: set[str]) -> None:
    if not spec.statements:
        what, example = "statements", "a `model` line, variables, `q {...}` and an objective"
        scope.note(MissingStatement(span=_START, what=what, example=example))
        return
    named = [
        statement.name.span for statement in spec.statements if isinstance(statement, ast.ModelName)
    ]
    first = spec.statements[0]
    if _needs_no_inference(spec):
        present = present | {"inference network"}
    for what, example in _NEEDED.items():
        if what not in present:
            span = named[0] if named else _first_word(first)
            mistake = MissingStatement(span=span, what=what, example=example)
            scope.note(mistake, about=what)


def _needs_no_inference(spec: ast.Spec) -> bool:
    """Whether all is of p's samples: a generator, against its critic or not, infers nothing."""
    goals = [
        statement.expression for statement in spec.statements if isinstance(statement, ast.Goal)
    ]
    terms = [term for goal in goals for term in _terms(goal)]
    return bool(terms) and all(_is_distance(term) or _under_p(term) for term in terms)


def _terms(expression: ast.Expression) -> Iterator[ast.Information | ast.Divergence]:
    """The functionals of an objective."""
    match expression:
        case ast.Information() | ast.Divergence():
            yield expression
        case ast.Chosen(target):
            yield target
        case _:
            for part in _parts(expression):
                yield from _terms(part)


def _parts(expression: ast.Expression) -> tuple[ast.Expression, ...]:
    """The expressions that an expression is put together from."""
    match expression:
        case ast.Negate(inner) | ast.Total(body=inner):
            return (inner,)
        case ast.Sum(first, others) | ast.Product(first, others):
            return (first, *(operand for _, operand in others))
        case ast.Function(arguments=arguments):
            return arguments
        case _:
            return ()


def _is_distance(term: ast.Information | ast.Divergence) -> bool:
    return isinstance(term, ast.Divergence) and term.functional.text in ("JS", "MMD", "W")


def _under_p(term: ast.Information | ast.Divergence) -> bool:
    """Whether it is of the generation network's own samples."""
    under = term.left if isinstance(term, ast.Divergence) else term.under
    return isinstance(under, ast.Named) and under.name.text == "p"


def _what(statement: ast.Statement) -> str:
    match statement:
        case ast.ModelName():
            return "`model` line"
        case ast.NetworkBlock(role="inference" | "further"):
            return "inference network"
        case ast.NetworkBlock(role="generation"):
            return "generation network"
        case ast.Goal():
            return "objective"
        case ast.VariableDeclaration(role="observed"):
            return "observed variable"
        case _:
            return "another statement"


def _is_further(statement: ast.Statement) -> bool:
    return isinstance(statement, ast.NetworkBlock) and statement.role == "further"


def _first_word(statement: ast.Statement) -> Span:
    span = statement.span
    words = {"objective": 8, "`model` line": 5, "observed variable": 8}
    width = words.get(_what(statement), 1)
    return Span(span.line, span.column, span.line, span.column + width)


def _check_model_name(scope: Scope, statement: ast.ModelName) -> None:
    """The emitted class is named after the model, in camel case."""
    word = statement.name
    if word.text.lower() in ("none", "true", "false") or not word.text.strip("_"):
        reason = "the emitted class is named after it"
        scope.note(ReservedName(span=word.span, name=word.text, reason=reason, other="my_model"))


def _check_names(scope: Scope, network: ast.NetworkBlock) -> None:
    """The names of a network that nothing asks for."""
    for line in network.body.lines:
        for group in line.groups:
            for place in group:
                for reference in place.members if isinstance(place, ast.Block) else (place,):
                    scope.family(reference.name)
