"""Which estimators fit a term, by its words alone."""

from __future__ import annotations

__all__ = ["fitting"]

from collections.abc import Iterator, Mapping, Sequence

from graphdsl.catalog.methods import METHODS, Method
from graphdsl.syntax.tokens import Token


def fitting(tokens: Sequence[Token], roles: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The estimators that may follow a term, as they are written, and what each is for.

    Args:
        tokens: What stands before `with`; the term is the last call in it.
        roles: Of each variable: observed, latent or given.
    """
    term = _last_call(tokens)
    if term:
        for method in METHODS.values():
            if _fits(method, term, roles):
                yield _written(method), f"for {method.fits}"


def _last_call(tokens: Sequence[Token]) -> Sequence[Token]:
    """The words of the call that ends there: `TC`, `(`, `u`, `)`."""
    depth = 0
    for place in range(len(tokens) - 1, -1, -1):
        depth += (tokens[place].kind == "RPAR") - (tokens[place].kind == "LPAR")
        if depth == 0:
            return tokens[place - 1 :] if place and tokens[place].kind == "LPAR" else ()
    return ()


def _fits(method: Method, term: Sequence[Token], roles: Mapping[str, str]) -> bool:
    name = term[0].text
    if name in ("I", "TC", "information"):
        parts = 1 + sum(one.kind == "SEMICOLON" for one in term)
        return "information" in method.targets and (parts == 2 or not method.is_of_parts)
    if name == "JS":
        return "JS" in method.targets
    if name != "KL":
        return False
    marginals = sum(one.kind == "LPAR" for one in term) > 1
    inferred = {roles[one.text] == "latent" for one in term if one.text in roles}
    joint = not marginals or len(inferred) == 2
    return ("joint" in method.targets and joint) or ("KL" in method.targets and marginals)


def _written(method: Method) -> str:
    """The word, and its brackets where it needs them: `iwae(k = 16)`."""
    return method.word if () in method.settings else f"{method.word}{method.example}"
