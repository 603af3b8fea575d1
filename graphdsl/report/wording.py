"""Sentences and symbols that every dress of an audit has."""

from __future__ import annotations

__all__ = [
    "RELATIONS",
    "SYMBOLS",
    "alike_text",
    "balance_text",
    "lines_text",
    "notes_of",
    "range_text",
    "relation_text",
    "turns_text",
    "used_symbols",
]

from collections.abc import Iterable, Iterator

from graphdsl.ir.audit import Audit
from graphdsl.ir.information import ProjectionDerivation, TotalCorrelation
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.networks import Interval
from graphdsl.notation.networks import network_title

#: What the loss is to the objective, and what that means, where it needs to be said.
RELATIONS = {
    "equal": ("equal to the objective, up to constants of the data", ""),
    "upper": ("an upper bound of the objective, up to constants of the data", ""),
    "lower": ("a lower bound of the objective, up to constants of the data", ""),
    "estimate": ("an estimate of the objective, up to constants of the data", ""),
    "saddle": ("the value of a game", "it is the objective where the other player is optimal"),
    "surrogate": ("a surrogate", "it need not bound the objective"),
}

#: Symbols, as text, and what they mean.
SYMBOLS = (
    ("q, p", "the inference network, with the data's distribution, and the generation network"),
    ("q̄(a | b)", "the conditional of q's own joint distribution, which the networks approximate"),
    ("H(a | b)", "entropy: −𝔼 log q̄(a | b)"),
    ("I(a; b | c)", "mutual information: H(a | c) − H(a | b, c)"),
    ("TC(a; b; …)", "total correlation: H(a) + H(b) + … − H(a, b, …)"),
    ("D(q ‖ G)", "the least KL(q ‖ r) over the distributions r that factorise along the network G"),
    ("KL(q ‖ p)", "𝔼_q [log q − log p]"),
    ("𝔼_q [−log p(a | b)]", "the cross-entropy of a under the model p(a | b)"),
    ("gap", "the bound minus what it replaces: never negative"),
)

#: The same in the signs of a spec.
_TYPED = {
    "bar": ("q̄(a | b)", "the conditional of q's own joint, which the networks approximate"),
    "TC": ("TC(a; b; ...)", "the total correlation H(a) + H(b) + ... - H(a, b, ...)"),
    "D": ("D(q || G)", "the least KL(q || r) over the r that factorise along G"),
}
_FEW = 6  #: names that are listed


def relation_text(module: LossModule) -> str:
    """What the loss is to the objective, in words."""
    return ": ".join(filter(None, RELATIONS[module.relation]))


def alike_text(others: Iterable[ProjectionDerivation], against: str = "‖") -> str:
    """Which other projections are the same derivation under other names."""
    divergences = [f"D({one.under} {against} {network_title(one.network)})" for one in others]
    if not divergences:
        return ""
    shown = ", ".join(divergences[:_FEW])
    rest = f" and {len(divergences) - _FEW} more" if len(divergences) > _FEW else ""
    pairs = "The other one is" if len(divergences) == 1 else f"The other {len(divergences)} are"
    return f"{pairs} alike, with the variables exchanged: {shown}{rest}."


def balance_text(audit: Audit, minus: str = "−") -> tuple[str, str]:
    """That the loss, its gaps and the constants are the objective, and whether that was checked."""
    gaps = any(term.bounds for term in audit.module.terms)
    estimated = any(
        term.relation in ("estimate", "saddle", "surrogate")
        or term.code.kind in ("total_correlation", "information")
        for term in audit.module.terms
    )
    dropped = bool(audit.module.constants)
    signs = bool(audit.module.groups)
    left = "loss" + f" {minus} gaps" * gaps + " + constants" * dropped
    whose = "each player: " * bool(audit.model.players)
    within = ", under every sign too" * signs
    claim = f"{whose}{left} = objective{', but for what is estimated' * estimated}{within}"
    if audit.leftover:
        return claim, "This does not hold: what the terms stand for is not the objective."
    subject = "each objective" if audit.model.players else "the objective"
    are = ", and under a sign what its own terms stand for is what the spec has there" * signs
    return claim, (
        f"Checked: what the terms stand for and the constants are {subject}, expanded anew and "
        f"compared in canonical form{are}."
    )


def used_symbols(audit: Audit) -> list[tuple[str, str]]:
    """Symbols that the text of an audit uses and that are not self-evident, with their meaning."""
    module = audit.module
    atoms = [one.atom for term in module.terms for one in term.stands_for]
    for projection in audit.projections:
        atoms += [
            term.atom
            for form in (projection.multi_information, projection.simplified)
            for term in form
        ]
    used = {
        "bar": any(term.bounds for term in module.terms),
        "TC": any(isinstance(atom, TotalCorrelation) for atom in atoms),
        "D": bool(audit.projections),
    }
    return [_TYPED[name] for name, there in used.items() if there]


def range_text(of: Interval) -> str:
    """The range of a parameter, in words."""
    low, high = ("-inf" if of.low is None else of.low), ("inf" if of.high is None else of.high)
    return f"{low} to {high}"


def turns_text(module: LossModule) -> str:
    """How many steps the players take in a round, where the spec says it."""
    return ", ".join(f"{count} of {player}" for player, count in module.turns)


def lines_text(lines: tuple[int, ...]) -> str:
    """The lines of the spec that ask for a term."""
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}" if lines else ""


def notes_of(term: LossTerm) -> Iterator[tuple[str, str]]:
    """What else is to be said of a term: a label, and the text."""
    if term.within:
        yield "within", term.within
    if term.player:
        yield "minimised by", term.player.replace(",", ", ")
    if term.estimator:
        yield "estimator", term.estimator
    if term.rows:
        yield "rows", term.rows
    if term.gradient:
        yield "gradient", "; ".join(term.gradient)
