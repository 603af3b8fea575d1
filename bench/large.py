"""Large specs of each kind that a size can be given to; tests count what they cost to compile."""

from __future__ import annotations

__all__ = ["HUNDRED", "LARGE", "long_spec", "views"]

from collections.abc import Callable, Mapping

_VIEWS = """
model views
const N = {size}
param common = 0.1
param cross = 1
observed x[1..N] : binary[12]
latent z : real[4] ~ normal
latent u[1..N] : real[3] ~ normal
q {{
    x -> z by poe
    x[i], z -> u[i] for i in 1..N
}}
p {{ z, u[i] -> x[i] for i in 1..N }}
network through_z(i, j) {{
    x[i] -> z
    z, u[j] -> x[j]
}}
minimize KL(q || p) + common * I(x; z)
       + cross * sum(i, j in pairs(1..N)) D(q || through_z(i, j))
"""

_SERIES = """
model series
const T = {size}
observed x[1..T] : binary
latent z[1..T] : real ~ normal
q {{
    x[1] -> z[1]
    x[t], z[t-1] -> z[t] for t in 2..T
}}
p {{
    z[t-1] -> z[t] for t in 2..T
    z[t] -> x[t] for t in 1..T
}}
minimize KL(q || p)
"""

_LATENTS = """
model latents
const T = {size}
observed x : binary[8]
latent z[1..T] : real ~ normal
q {{
    x -> z[1]
    x, z[t-1] -> z[t] for t in 2..T
}}
p {{
    z[t-1] -> z[t] for t in 2..T
    z[T] -> x
}}
minimize KL(q || p)
"""

_PAIRS = """
model pairwise
const N = {size}
observed x[1..N] : binary[4]
latent z : real[2] ~ normal
q {{ x -> z by poe }}
p {{ z -> x[i] for i in 1..N }}
network through(i, j) {{ x[i] -> z -> x[j] }}
minimize KL(q || p) + sum(i, j in pairs(1..N)) D(q || through(i, j))
"""

_HEAD = """
model long
observed x[1..4] : binary[4]
latent z[1..3] : real[2] ~ normal
q { x -> z }
p { z -> x }
minimize KL(q || p)"""

#: A hundred variables, of which each latent hears of others.
HUNDRED = """
model hundred
observed x[1..20] : binary
latent z[1..40] : real ~ normal
latent u[1..40] : real ~ normal
q {
    x -> z[1]
    x[1..3], z[t-1] -> z[t] for t in 2..40
    z[i], x[1..2] -> u[i] for i in 1..40
}
p {
    z[t-1] -> z[t] for t in 2..40
    z[i] -> u[i] for i in 1..40
    z[i], u[i] -> x[i] for i in 1..20
}
minimize KL(q || p) + D(q || G(p))
"""


def views(size: int) -> str:
    """That many views and as many private latents, with a projection for each pair of them."""
    return _VIEWS.format(size=size)


def long_spec(views: int) -> str:
    """That many views, each with lines of its own and no index: eleven lines for each."""
    each, pairs = range(1, views + 1), range(1, views)
    names = ", ".join(f"x{i}" for i in each)
    lines = [
        "# Views with lines of their own.",
        "model long_spec",
        "param common = 0.1",
        *(f"param beta_{i} = 1" for i in pairs),
        *(f"observed x{i} : binary[12]  # view {i}" for i in each),
        "latent z : real[4] ~ normal",
        *(f"latent u{i} : real[3] ~ normal" for i in each),
        "q {",
        f"    {names} -> z by poe",
        *(f"    x{i}, z -> u{i}" for i in each),
        "}",
        "p {",
        *(f"    z, u{i} -> x{i}" for i in each),
        "}",
    ]
    for i in pairs:
        lines += [f"network from_{i} {{", f"    x{i} -> z", f"    z, u{i + 1} -> x{i + 1}", "}"]
    lines += [
        "minimize KL(q || p)",
        f"    + common * I({names}; z)",
        *(f"    + beta_{i} * D(q || from_{i})" for i in pairs),
        *(f"assert I(x{i}; z) >= 0" for i in each),
    ]
    return "\n".join(lines) + "\n"


def _series(size: int) -> str:
    """A state for each of that many observations."""
    return _SERIES.format(size=size)


def _latents(size: int) -> str:
    """A chain of that many latents over one observation."""
    return _LATENTS.format(size=size)


def _pairs(size: int) -> str:
    """A projection for each pair of that many views, and no latent of their own."""
    return _PAIRS.format(size=size)


def _sums(size: int) -> str:
    """That many equal terms, by an index."""
    return f"{_HEAD} + sum(i in 1..{size}) I(x[1]; z[1])\n"


def _flat(size: int) -> str:
    """That many terms side by side, each with a weight of its own."""
    terms = (f" + {1 + k / 1000:.3f} * I(x[{k % 4 + 1}]; z[{k % 3 + 1}])\n" for k in range(size))
    return f"{_HEAD}{''.join(terms)}"


#: Each kind, with the power of its size by which the number of its variables or terms grows.
LARGE: Mapping[str, tuple[Callable[[int], str], int]] = {
    "views": (views, 2),
    "series": (_series, 1),
    "latents": (_latents, 1),
    "pairs": (_pairs, 2),
    "sums": (_sums, 1),
    "flat": (_flat, 1),
}
