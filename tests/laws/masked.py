"""Random specs with learned edges: in both networks, over experts and over single parents."""

from __future__ import annotations

__all__ = ["masked_spec"]

import random


def masked_spec(seed: int) -> str:
    """A spec for a seed: two or three views under one mask or two, of two to eight edges."""
    chance = random.Random(seed)
    discrete = chance.random() < 0.3
    views, parts = chance.choice([(2, 1), (2, 1), (2, 2), (3, 1)])
    masks = chance.choice(["q", "p"] if views == 3 else ["q", "p", "qp"])
    by_experts = not discrete and chance.random() < 0.7
    latent = "categorical(2) ~ categorical" if discrete else "real ~ normal"
    observed = "binary[2]" if discrete else "real[2]"
    optional = " optional" if chance.random() < 0.2 else ""
    of_q = " if Mq[i]" if by_experts else f" if Mq[1..{views}, k]"
    encoder = (
        f"x[i] -> z{of_q * ('q' in masks)} by poe for i in 1..{views}"
        if by_experts
        else f"x -> z[k]{of_q * ('q' in masks)} for k in 1..{parts}"
    )
    decoder = f"z -> x[i]{' if Mp[i]' * ('p' in masks)} for i in 1..{views}"
    terms = [
        chance.choice(_terms(by_experts, discrete, parts)) for _ in range(chance.randint(1, 3))
    ]
    counted = ", ".join(f"M{one}" for one in masks)
    lines = [
        "model masked",
        "param beta = 2 in 1..inf",
        f"observed x[1..{views}] : {observed}{optional}",
        f"observed y : {observed}",
        f"latent z[1..{parts}] : {latent}",
        f"latent u : {latent}",
        *(
            f"mask M{one}[1..{views}, 1..{parts}] : learned bernoulli(0.{chance.randint(1, 9)})"
            for one in masks
        ),
        f"q {{ {encoder}; x -> u }}",
        f"p {{ {decoder}; u -> x, y{chance.choice(['', '; z -> y'])} }}",
        f"minimize {' + '.join([chance.choice(_WHOLES), *terms])} + 0.3 * sparsity({counted})",
    ]
    if "TC(z)" in terms:
        lines.append(f"estimate TC(z) with {chance.choice(['mss', 'loo'])}")
    return "\n".join(lines) + "\n"


_WHOLES = ("KL(q || p)", "KL(q || p)", "CE(x | z, u) + CE(y | u) + KL(q(z | x) || p(z))")


def _terms(by_experts: bool, discrete: bool, parts: int) -> list[str]:
    several = [
        "beta * I(x; z)",
        "(beta - 1) * I(z; u)",
        "0.5 * CE(y | u)",
        "D(q || {x[1] -> z -> x[2]})",
        "0.7 * H(y | z)",
    ]
    several += ["KL(q(z | x) || q(z | x[1]))"] * by_experts
    several += ["max(KL(q(z | x) || p(z)), 1)", "abs(KL(q(u | x) || p(u)) - 2)"]
    return several + ["TC(z)"] * (parts > 1 and not discrete)
