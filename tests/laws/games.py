"""Random specs in which several players share networks and samples: what gradients go wrong in."""

from __future__ import annotations

__all__ = ["games"]

import random
from collections.abc import Iterator

from tests.corpus import Case, fuzz, seeds

_HEADS = (
    "observed y : binary",
    "observed y : categorical(3)",
    "observed y : real ~ normal(scale = learned)",
    "observed y : real[2]",
    "observed y : binary optional",
)
_LATENTS = (
    "latent z : real[2] ~ normal",
    "latent z : real[2] ~ laplace",
    "latent z : categorical(3) ~ categorical",
)
_INFERENCES = (
    "x -> u; x -> z",
    "x -> u; x, u -> z",
    "x -> u via shared mlp(4) by poe; x -> z",
    "x, y -> u; x -> z",
    "x -> u by poe; x -> z",
)
_GENERATIONS = ("u, z -> x", "u -> z; u, z -> x", "u, z -> x, y", "a -> u; u, z -> x; z")
_TERMS = (
    "CE(y | u)",
    "CE(a | u)",
    "CE(a | u, z)",
    "H(a | u)",
    "H(y | u)",
    "I(a; u)",
    "I(y; u)",
    "I(u; a | y)",
    "D(q || {u -> y, a})",
    "D(q || {u -> a -> y})",
    "D(q || {u; a})",
    "KL(q(u | x) || p(u))",
    "KL(q || p)",
    "cost(y | u, squared)",
    "cost(x | u, z, squared)",
    "irm(a | u, e)",
    "vrex(y | u, e)",
    "dro(a | u, e)",
    "max(KL(q(u | x) || p(u)), 0.5)",
    "abs(KL(q(u | x) || p(u)) - 3)",
    "CE[r](x | u, z)",
    "KL(r || p)",
    "KL(r(u | x) || q(u | x))",
    "KL(q(x, u, z) || frozen(p(x, u, z)))",
)
_DISTANCES = ("MMD(q(u) || p(u))", "W(q(u) || p(u))", "JS(q(u) || p(u))", "I[p](x; u)")
_LINES = (
    "subject to CE(a | u) <= 0.5",
    "subject to KL(q(u | x) || p(u)) <= 4",
    "estimate H(a | u) with new",
    "estimate H(u | x) with r",
    "estimate I(u; a) with adversary",
    "estimate I(u; a) with mine",
    "estimate I(u; a) with mmd",
    "turns critic = 2",
)


def games(law: str, share: int) -> Iterator[Case]:
    """Objectives of terms with both signs; many mean nothing, and are refused."""
    for seed in seeds(fuzz(share)):
        yield Case(f"{law}_{seed}", _game(random.Random(seed)))


def _game(chance: random.Random) -> str:
    pick = chance.choice
    lines = [
        "model game",
        "param alpha = 2",
        "observed x[1..2] : real[3]" + " optional" * (chance.random() < 0.2),
        pick(_HEADS),
        "observed a : binary",
        "given e : categorical(2)",
        "latent u : real[2] ~ normal",
        pick(_LATENTS),
        f"q {{ {pick(_INFERENCES)} }}",
        f"p {{ {pick(_GENERATIONS)} }}",
    ]
    main = pick(("KL(q || p)", "KL(q || p)", "KL(q || p) with iwae(k = 3)", "CE(x | u, z)"))
    terms = [main]
    if chance.random() < 0.3:
        terms.append(f"+ {pick(_DISTANCES)}")
    for _ in range(chance.randint(1, 4)):
        terms.append(f"{pick('+-')} {pick(('1', '0.5', '2', 'alpha'))} * {pick(_TERMS)}")
    objective = " ".join(terms)
    if "r(" in objective or "[r]" in objective or "KL(r" in objective:
        lines.append("infer r { x -> u; x -> z }")
    owners = pick(("", "", "", "q", "q, p", "q, predictors"))
    lines.append(f"minimize {objective}{f' for {owners}' * bool(owners)}")
    if owners and "p" not in owners.split(", "):
        lines.append(f"minimize KL(q || p) {pick('+-')} {pick(_TERMS)} for p")
    if chance.random() < 0.4:
        line = pick(_LINES)
        if "with r" not in line or any("infer r" in one for one in lines):
            lines.append(line)
    return "\n".join(lines) + "\n"
