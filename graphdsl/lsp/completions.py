"""What may be written at a place: words that the grammar accepts, and names that fit.

The grammar itself says which words may come next; distributions and estimators are those whose
records fit the variable, or the term, that they stand behind.
"""

from __future__ import annotations

__all__ = ["Proposal", "proposals"]

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from graphdsl.catalog.architectures import ARCHITECTURES, Architecture
from graphdsl.catalog.laws import LAWS, Kind, kinds_of_latents, laws_of
from graphdsl.lsp.analysis import Analysis
from graphdsl.lsp.declared import declaration_text
from graphdsl.lsp.estimators import fitting
from graphdsl.syntax import ast, declarations
from graphdsl.syntax.prefix import Prefix, read_prefix
from graphdsl.syntax.tokens import Token

What: TypeAlias = Literal["keyword", "name", "kind", "law", "estimator", "functional", "network"]

#: The functionals, and what each is.
_FUNCTIONALS = {
    "KL": "KL(q || p): relative entropy",
    "D": "D(q || G): the distance to a network",
    "I": "I(a; b | c): mutual information",
    "TC": "TC(u): total correlation",
    "H": "H(a | b): entropy",
    "CE": "CE(a | b): cross-entropy of a predictor",
    "JS": "JS(q(z) || p(z)): Jensen-Shannon divergence",
    "MMD": "MMD(q(z) || p(z)): maximum mean discrepancy",
    "W": "W(q(z) || p(z)): sliced Wasserstein distance",
    "cost": "cost(x | z, squared): a reconstruction cost",
    "irm": "irm(y | z, e): the penalty of invariant risk minimisation",
    "vrex": "vrex(y | z, e): the variance of the environments' risks",
    "dro": "dro(y | z, e): the risk of the worst environment",
    "sparsity": "sparsity(M): expected edges of a learned mask",
    "information": "information(q): the total correlation of all variables",
}
_FUSIONS = ("poe", "mixture", "joint")
_DIVERGENCES = ("KL", "D", "JS", "MMD", "W")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word that may come next."""

    text: str
    what: What
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of the place: the words before it, and the spec around it."""

    tokens: Sequence[Token]
    declared: Mapping[str, ast.Statement]
    analysis: Analysis

    @property
    def first(self) -> str:
        """The kind of the statement's first word."""
        return self.tokens[0].kind if self.tokens else ""

    @property
    def last(self) -> str:
        """The kind of the word before."""
        return self.tokens[-1].kind if self.tokens else ""

    def names(self, *classes: type[ast.Statement]) -> Iterator[Proposal]:
        """Declared names of some classes, with their declarations."""
        for name, statement in self.declared.items():
            if isinstance(statement, classes):
                what: What = "network" if isinstance(statement, ast.NetworkBlock) else "name"
                line = declaration_text(self.analysis.source, statement).partition("\n")[0]
                yield Proposal(name, what, line)

    def is_network(self, *roles: str) -> bool:
        """Whether the place is inside of the braces of such a network."""
        return self.first in roles and "LBRACE" in (token.kind for token in self.tokens)


def proposals(analysis: Analysis, offset: int) -> tuple[Proposal, ...]:
    """What may be written at a place of a text, whatever part of a word stands there.

    Args:
        analysis: The text; statements with mistakes declare nothing.
        offset: The place, as an index into the text.
    """
    text = analysis.source.text
    line = text.rfind("\n", 0, offset) + 1
    if "#" in text[line:offset]:
        return ()
    begun = re.search(r"\w*\Z", text[:offset])
    prefix = read_prefix(text[: begun.start() if begun else offset])
    if prefix is None:
        return ()
    place = _Place(prefix.tokens, declarations(analysis.spec), analysis)
    return tuple(dict.fromkeys((*_words(prefix), *_names(prefix, place))))


def _words(prefix: Prefix) -> Iterator[Proposal]:
    for word in prefix.words:
        yield Proposal(word, "keyword")


def _names(prefix: Prefix, place: _Place) -> Iterator[Proposal]:
    """Names, where the grammar accepts one: by the word before, else by the statement."""
    if not prefix.takes_name or _declares(place):
        return
    by_word: Mapping[str, Callable[[_Place], Iterator[Proposal]]] = {
        "TILDE": _laws,
        "_WITH": _estimators,
        "_BY": lambda _: (Proposal(one, "keyword") for one in _FUSIONS),
        "_VIA": lambda _: (Proposal(architecture, "keyword") for architecture in ARCHITECTURES),
        "SHARED": lambda _: (Proposal(architecture, "keyword") for architecture in ARCHITECTURES),
        "BARS": _right_sides,
        "_IF": lambda one: one.names(ast.MaskDeclaration),
        "LEARNED": lambda _: iter((Proposal("bernoulli", "law"),)),
    }
    if place.last == "COLON" and place.first == "ROLE":
        yield from _kinds(place)
    elif place.last in by_word:
        yield from by_word[place.last](place)
    else:
        yield from _by_statement(place)


def _declares(place: _Place) -> bool:
    """Whether a new name is written there."""
    declaring = ("_MODEL", "_CONST", "_PARAM", "ROLE", "_MASK", "_INFER", "_NETWORK")
    binds = place.last == "_FOR" and "LBRACE" in (token.kind for token in place.tokens)
    return (len(place.tokens) == 1 and place.first in declaring) or binds


def _by_statement(place: _Place) -> Iterator[Proposal]:
    numbers = (ast.Constant, ast.Parameter)
    architecture = ARCHITECTURES.get(_open_call(place.tokens))
    if architecture is not None and place.first in ("_Q", "_P", "_INFER"):
        yield from _details(place, architecture)
    elif place.first in ("_Q", "_P", "_INFER", "_NETWORK"):
        yield from place.names(ast.VariableDeclaration)
        yield from _bound(place)
        if place.last in ("LSQB", "DOTS", "_IN", "LPAR"):
            yield from place.names(ast.Constant)
    elif place.first in ("AIM", "_SUBJECT_TO", "_ASSERT", "_ESTIMATE"):
        yield from _terms(place)
    elif place.first == "_TURNS":
        yield from (Proposal(one, "name") for one in ("critic", "structure"))
        yield from _inferences(place)
    else:
        yield from place.names(*(numbers if place.first == "_PARAM" else numbers[:1]))


def _details(place: _Place, architecture: Architecture) -> Iterator[Proposal]:
    """What may stand in the brackets of a network: settings, their words, and constants."""
    option = architecture.option(place.tokens[-2].text) if place.last == "EQUAL" else None
    if option is not None and option.words:
        yield from (Proposal(word, "keyword") for word in option.words)
        return
    if place.last != "EQUAL":
        for one in architecture.options:
            yield Proposal(one.name, "keyword", one.allowed)
    yield from place.names(ast.Constant)


def _terms(place: _Place) -> Iterator[Proposal]:
    call = _open_call(place.tokens)
    if place.last == "_FOR":
        yield from _inferences(place)
        yield Proposal("predictors", "network")
    elif call in _DIVERGENCES and place.last == "LPAR":
        yield from _inferences(place)
    elif call:
        yield from place.names(ast.VariableDeclaration, ast.MaskDeclaration)
        yield from _bound(place)
    else:
        yield from (Proposal(name, "functional", of) for name, of in _FUNCTIONALS.items())
        yield from place.names(ast.Constant, ast.Parameter)
        yield from _bound(place)


def _open_call(tokens: Sequence[Token]) -> str:
    """The name before the innermost bracket that is open: a functional, a network, or nothing."""
    depth = 0
    for place in range(len(tokens) - 1, -1, -1):
        depth += (tokens[place].kind == "RPAR") - (tokens[place].kind == "LPAR")
        if depth < 0:
            before = tokens[place - 1] if place else None
            return before.text if before is not None and before.kind == "NAME" else ""
    return ""


def _bound(place: _Place) -> Iterator[Proposal]:
    """Indices that the statement binds before the place: formals, and those of sums."""
    tokens = place.tokens
    if place.first in ("_NETWORK", "_INFER"):
        formals = [one.text for one in tokens[2 : _find(tokens, "LBRACE")] if one.kind == "NAME"]
        yield from (Proposal(one, "name", "an index of the network") for one in formals)
    for at, token in enumerate(tokens):
        if token.kind == "_IN" and at and tokens[at - 1].kind == "NAME":
            yield Proposal(tokens[at - 1].text, "name", "an index")


def _find(tokens: Sequence[Token], kind: str) -> int:
    return next((at for at, token in enumerate(tokens) if token.kind == kind), len(tokens))


def _inferences(place: _Place) -> Iterator[Proposal]:
    """The distributions of the spec: q, p and each further inference network."""
    for name, statement in place.declared.items():
        if isinstance(statement, ast.NetworkBlock) and statement.role != "regularizer":
            yield Proposal(name, "network", statement.role)


def _right_sides(place: _Place) -> Iterator[Proposal]:
    """What a divergence may be to: a network behind D, a distribution behind the others."""
    if _open_call(place.tokens) != "D":
        yield from _inferences(place)
        return
    yield Proposal("G(p)", "network", "the network of p")
    for name, statement in place.declared.items():
        if isinstance(statement, ast.NetworkBlock) and statement.role == "regularizer":
            formals = ", ".join(word.text for word in statement.formals)
            yield Proposal(name, "network", f"network {name}({formals})" if formals else "network")


def _kinds(place: _Place) -> Iterator[Proposal]:
    kinds = kinds_of_latents() if place.tokens[0].text == "latent" else get_args(Kind)
    yield from (
        Proposal(kind, "kind", str(laws_of(kind)[next(iter(laws_of(kind)))])) for kind in kinds
    )


def _laws(place: _Place) -> Iterator[Proposal]:
    """The distributions that a variable may have: of its kind, and of its role in the network."""
    if place.first == "ROLE":
        role, kind = place.tokens[0].text, place.tokens[_find(place.tokens, "COLON") + 1].text
        joint = False
    else:
        child = _child(place)
        if child is None:
            return
        role, kind = child.role, child.kind.name.text
        joint = place.is_network("_Q", "_INFER") and role == "latent" and len(child.shape) == 1
    for law in LAWS:
        fits = law.kind == kind and (law.latent or role != "latent")
        if fits and (law.declared or joint):
            yield Proposal(law.written, "law", f"over {law.support}")


def _child(place: _Place) -> ast.VariableDeclaration | None:
    """The declaration of the variable that the line's last arrow ends in."""
    arrows = [at for at, one in enumerate(place.tokens) if one.kind == "ARROW"]
    for token in place.tokens[arrows[-1] if arrows else _find(place.tokens, "LBRACE") :]:
        statement = place.declared.get(token.text)
        if isinstance(statement, ast.VariableDeclaration):
            return statement
    return None


def _estimators(place: _Place) -> Iterator[Proposal]:
    roles = {
        name: one.role
        for name, one in place.declared.items()
        if isinstance(one, ast.VariableDeclaration)
    }
    written = list(place.tokens[:-1])
    for text, detail in fitting(written, roles):
        yield Proposal(text, "estimator", detail)
    if _is_entropy(written):
        yield from _inferences(place)
        yield Proposal("new", "network", "a model made for this entropy")


def _is_entropy(tokens: Sequence[Token]) -> bool:
    names = [at for at, token in enumerate(tokens[:-1]) if tokens[at + 1].kind == "LPAR"]
    return bool(names) and tokens[names[-1]].text == "H"
