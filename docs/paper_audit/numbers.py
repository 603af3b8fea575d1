"""What is no claim about every q that follows a network: games, products, and examples."""

from __future__ import annotations

__all__ = ["NUMBERS"]

from collections.abc import Callable, Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from docs.paper_audit.claims import DRAWS, Claim, random_models
from graphdsl.compiler import Checked, derive, read
from graphdsl.ir.information import Term, information
from graphdsl.ir.objective import Projection
from graphdsl.ir.symbols import Names, P, Q, Variable, variable
from graphdsl.ir.weight import ONE
from graphdsl.verify.models import Models, intended
from graphdsl.verify.random_joints import World, parents_in
from graphdsl.verify.tables import Table
from graphdsl.verify.terms import defined, worth

Array = NDArray[np.float64]
_EXACT = 1e-9


def _gan(checked: Checked) -> list[Claim]:
    """The game's value for the best D, and for others."""
    error, above = 0.0, -np.inf
    for number in range(DRAWS):
        rng = np.random.default_rng(number)
        q, p = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6))
        best, other = q / (q + p), rng.random(6)
        exact = 2 * _js(np.stack([q, p]), np.full(2, 0.5)) - 2 * np.log(2)
        error = max(error, abs(_game(q, p, best) - exact))
        above = max(above, _game(q, p, other) - exact)
    return [
        _equal("the game is 2 C_2 - 2 log 2 for the optimal D", error),
        Claim(
            "instead",
            "any other D gives a smaller value: the game is a lower bound of C_2, not certified",
            "",
            "holds" if above < 0 else "fails",
            (f"at least {-above:.3f} nats less for a random D, in {DRAWS} draws",),
        ),
    ]


def _infogan(checked: Checked) -> list[Claim]:
    atom = information(map(_named, "xn"), _named("c"), under=P)
    values = [
        worth([Term(ONE, atom)], random_models(checked.model, number).world, {})
        for number in range(DRAWS)
    ]
    low, high = min(values), max(values)
    return [
        Claim(
            "printed",
            "D(p || G_InfoGAN) is the published term up to a constant",
            "I[p](x; n | c)",
            "holds" if high - low < _EXACT else "fails",
            (f"the difference is {low:.3f} to {high:.3f} nats in {DRAWS} draws of the generator",),
        )
    ]


def _implicit_prior(checked: Checked) -> list[Claim]:
    """r(u) proportional to q(u)^(1 - beta) p(u)^beta, and the ELBO that has it for a prior."""
    beta, without, whole = 4.0, 0.0, 0.0
    for number in range(DRAWS):
        rng = np.random.default_rng(number)
        joint = rng.dirichlet(np.ones(6)).reshape(2, 3)  # x, u
        q_u, p_u = joint.sum(0), rng.dirichlet(np.ones(3))
        likelihood = rng.dirichlet(np.ones(2), size=3).T
        reconstruction = -float(np.sum(joint * np.log(likelihood)))
        conditional = joint / joint.sum(1, keepdims=True)
        powers = q_u ** (1 - beta) * p_u**beta
        prior = powers / powers.sum()

        def elbo(
            of: Array,
            joint: Array = joint,
            conditional: Array = conditional,
            reconstruction: float = reconstruction,
        ) -> float:
            return -reconstruction - float(np.sum(joint * np.log(conditional / of)))

        row = -elbo(p_u) + (beta - 1) * float(np.sum(q_u * np.log(q_u / p_u)))
        implicit = -elbo(prior) - float(np.log(powers.sum()))
        published = reconstruction + beta * float(np.sum(joint * np.log(conditional / p_u)))
        without = max(without, abs(row - implicit))
        whole = max(whole, abs(published - implicit))
    return [
        _equal("-ELBO with r(u) - log Z is the row without its regularizer", without),
        _equal("-ELBO with r(u) - log Z is the beta-VAE's loss", whole),
    ]


def _ours_mm(checked: Checked) -> list[Claim]:
    """Three views of one fair bit, and a constant z."""
    cells = np.zeros((2, 2, 2))
    cells[0, 0, 0] = cells[1, 1, 1] = 0.5
    joint = Table(_named(("x[1]", "x[2]", "x[3]")), cells)

    def best(head: str, node: Variable, given: tuple[Variable, ...]) -> Array:
        logarithms: Array = np.log(np.maximum(joint.conditional((node,), given), 1e-300))
        return logarithms

    world = dict.fromkeys((Q, *(one.name for one in checked.model.further)), joint)
    models = Models(checked.model, world, np.random.default_rng(0), best)
    value = intended(models, checked.model.objective, {})
    return [
        Claim(
            "printed",
            "L_x + L_u + L_z is at least L, if the views are one fair bit and z is constant",
            "x[1] = x[2] = x[3], every model at its best",
            "holds" if value > -_EXACT else "fails",
            (f"the sum is {value:.4f} nats above L; -2 log 2 is {-2 * np.log(2):.4f}",),
        )
    ]


def _eq_13(checked: Checked) -> list[Claim]:
    """The product of Gaussian densities, on a grid."""
    grid = np.linspace(-40, 40, 400_001)
    variance_error = corrected = 0.0
    printed = []
    for number in range(DRAWS):
        rng = np.random.default_rng(number)
        means, variances = 2 * rng.normal(size=3), np.exp(rng.normal(size=3))
        weights = np.array([1.0, *rng.random(2)])
        log_density = sum(
            -w * (grid - m) ** 2 / (2 * v)
            for w, m, v in zip(weights, means, variances, strict=True)
        )
        density = np.exp(log_density - np.max(log_density))
        density /= density.sum()
        mean = float(density @ grid)
        variance = 1 / float(np.sum(weights / variances))
        total = float(np.sum(weights / variances * means))
        variance_error = max(variance_error, abs(float(density @ (grid - mean) ** 2) - variance))
        corrected = max(corrected, abs(variance * total - mean))
        printed.append(abs(total / variance - mean))
    return [
        _equal("1/s = sum_i m_i / s_i", variance_error, 1e-6),
        Claim(
            "printed",
            "mu = (1/s) sum_i (m_i / s_i) mu_i",
            "compared with the product of the densities, on a grid",
            "holds" if max(printed) < 1e-6 else "fails",
            (f"the mean is off by {np.mean(printed):.2f} on average in {DRAWS} draws",),
        ),
        _equal("mu = s sum_i (m_i / s_i) mu_i", corrected, 1e-6, kind="instead"),
        _real_masks(),
    ]


def _real_masks() -> Claim:
    """Two experts of variance 1 beside a prior of variance 1, one with weight -3."""
    precision = 1.0 + 1.0 - 3.0
    return Claim(
        "printed",
        "the product is a distribution for any real m",
        "p(z) = N(0, 1), variances 1, m = (1, -3)",
        "holds" if precision > 0 else "fails",
        (f"the precision would be {precision:.0f}; it is positive if no m is negative",),
    )


def _eq_15(checked: Checked) -> list[Claim]:
    """The forms derived for the full G^q, under every q that has fewer edges."""
    audit = read(derive(checked))
    parents = parents_in(checked.model, checked.model.inference)
    data = _named(("x[1]", "x[2]"))
    error, count = 0.0, 0
    for kept in product((False, True), repeat=4):
        masks = iter(kept)
        fewer = {
            name: tuple(up for up in above if name in data or next(masks))
            for name, above in parents.items()
        }
        joint = Table.drawn(fewer, data, dict.fromkeys(fewer, 2), np.random.default_rng(count))
        world: World = {Q: joint}
        for one in audit.projections:
            exact = defined(Projection(one.network), world)
            for form in (one.local_markov, one.multi_information, (*one.simplified, *one.constant)):
                error = max(error, abs(worth(form, world, {}) - exact))
        count += 1
    says = "the derivation for the full M^q holds for each of its 16 masks"
    return [_equal(says, error)]


def _eq_16(checked: Checked) -> list[Claim]:
    """L_z of categorical experts, beside the geometric Jensen-Shannon divergence."""
    identity, apart, means = 0.0, [], 0.0
    for number in range(DRAWS):
        rng = np.random.default_rng(number)
        several = rng.dirichlet(np.ones(4), size=3)  # p(z), q(z|x_1), q(z|x_2)
        whole = several[0] * np.prod(several[1:] / several[0], axis=0)
        q = whole / whole.sum()
        loss = sum(_kl(q, one) for one in several)
        powers = np.exp(np.mean(np.log(several), axis=0))
        mean, dual = powers / powers.sum(), -float(np.log(powers.sum()))
        identity = max(identity, abs(loss - 3 * (_kl(q, mean) + dual)))
        apart.append(loss - 3 * dual)
        means = max(means, abs(sum(_kl(mean, one) for one in several) - 3 * dual))
    return [
        Claim(
            "printed",
            "L_z is (N + 1) times the geometric Jensen-Shannon divergence of its arguments",
            "three random distributions over four categories, all m = 1",
            "holds" if max(map(abs, apart)) < _EXACT else "fails",
            (f"L_z is larger, by {np.mean(apart):.2f} nats on average in {DRAWS} draws",),
        ),
        _equal(
            "L_z = (N + 1) [KL(q || G) - log Z], G their geometric mean", identity, kind="instead"
        ),
        _equal("L_z is that divergence, in its dual form, if q is G", means, kind="instead"),
    ]


def _eq_18(checked: Checked) -> list[Claim]:
    """Colored MNIST as its shape, colour, label and environment, by enumeration."""
    cells = np.zeros((2, 2, 2, 2))  # shape, colour, label, environment
    for shape, colour, label, place in product(range(2), repeat=4):
        flip = (0.1, 0.2)[place]
        chance = 0.75 if label == shape else 0.25
        painted = 1 - flip if colour == label else flip
        cells[shape, colour, label, place] = 0.25 * chance * painted
    joint = Table(_named("scye"), cells)
    choices = {"shape": "s", "colour": "c", "x": "sc", "constant": ""}
    stars = {name: _star(joint, _named(z)) for name, z in choices.items()}
    separate = {
        name: _between(joint, _named("y"), _named("e"), _named(z)) for name, z in choices.items()
    }
    told = "; ".join(f"{name} {abs(value):.4f}" for name, value in stars.items())
    wanted = "; ".join(f"{name} {abs(value):.4f}" for name, value in separate.items())
    return [
        Claim(
            "printed",
            "on Colored MNIST, the objective prefers the invariant z, the shape",
            "TC(x; e; y | z) for z",
            "holds" if min(stars, key=lambda name: stars[name]) == "shape" else "fails",
            (f"lowest for z = {min(stars, key=lambda name: stars[name])}: {told}",),
        ),
        Claim(
            "instead",
            "the criterion of Sec. 6 is zero for the shape",
            "I(y; e | z) for z",
            "holds" if separate["shape"] < _EXACT else "fails",
            (wanted,),
        ),
    ]


def _named(names: Iterable[str]) -> Names:
    return tuple(map(variable, names))


def _star(joint: Table, z: Names) -> float:
    """TC(x; e; y | z), x being shape and colour."""
    parts = map(_named, ("sc", "e", "y"))
    known = joint.entropy(z)
    alone = sum(joint.entropy((*part, *z)) - known for part in parts)
    return alone - (joint.entropy(_named("scey")) - known)


def _between(joint: Table, a: Names, b: Names, z: Names) -> float:
    known = joint.entropy(z)
    return joint.entropy((*a, *z)) + joint.entropy((*b, *z)) - joint.entropy((*a, *b, *z)) - known


def _game(q: Array, p: Array, d: Array) -> float:
    return float(q @ np.log(d) + p @ np.log(1 - d))


def _js(several: Array, weights: Array) -> float:
    mixed = weights @ several
    return float(sum(w * _kl(one, mixed) for w, one in zip(weights, several, strict=True)))


def _kl(q: Array, p: Array) -> float:
    return float(np.sum(q * np.log(q / p)))


def _equal(says: str, error: float, tolerance: float = _EXACT, kind: str = "printed") -> Claim:
    verdict = "holds" if error < tolerance else "fails"
    size = f"below {tolerance:.0e}" if error < tolerance else f"{error:.3f}"
    return Claim(kind, says, "", verdict, (f"largest difference {size}, in {DRAWS} draws",))


#: By the name of the spec, what is computed besides.
NUMBERS: dict[str, Callable[[Checked], list[Claim]]] = {
    "03_gan": _gan,
    "04_infogan": _infogan,
    "05_beta_vae": _implicit_prior,
    "11_ours_mm": _ours_mm,
    "14_eq13": _eq_13,
    "15_eq15": _eq_15,
    "16_eq16": _eq_16,
    "18_eq18": _eq_18,
}
