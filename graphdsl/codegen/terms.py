"""Terms of a loss as expressions, on average over the rows."""

from __future__ import annotations

__all__ = ["slope_code", "term_code"]

from collections.abc import Sequence

from graphdsl.catalog.methods import ESTIMATORS, PENALTIES
from graphdsl.codegen import tree as py
from graphdsl.codegen.expressions import (
    axis,
    chosen_mask,
    gathered,
    masks,
    reference,
    stacked,
)
from graphdsl.codegen.words import (
    chain,
    integers,
    listing,
    local,
    method,
    number,
    own,
    runtime,
    torch,
)
from graphdsl.ir.loss import Density, SlopePenalty, TermCode
from graphdsl.ir.values import Ref

_TRUE = py.Literal(True)


def term_code(code: TermCode) -> py.Expression:
    """The expression that computes a term, on average over the rows."""
    left = reference(code.left)
    right = py.Word(code.prior) if code.right is None else reference(code.right)
    match code.kind:
        case "kl" | "entropy":
            return _of_posterior(code, left, right)
        case "reconstruction" | "cross_entropy" | "cost":
            value = method(right, "detach") if code.held else right
            price = _averaged(code, _price(code, left, value))
            if code.among is not None:
                price = runtime("among", price, chosen_mask(code.among))
            return runtime("expect", price, *_in_bound(code))
        case "sparsity":
            return method(own(code.mask), "expected_edges")
        case "total_correlation" | "information":
            estimated = _correlation if code.kind == "total_correlation" else _information
            return estimated(code, left, right)
        case "penalty":
            return _penalty(code, left, right)
        case "importance" | "distance":
            return _importance(code) if code.kind == "importance" else _distance(code)


def slope_code(code: TermCode, penalty: SlopePenalty) -> py.Expression:
    """Half the mean square of a critic's slope, at one of the two samples that it tells apart."""
    values = map(reference, code.samples[penalty.side])
    return runtime("gradient_penalty_r1", own(code.critic), *values, **_edges(code))


def _penalty(code: TermCode, left: py.Expression, right: py.Expression) -> py.Expression:
    environment = reference(code.samples[0][0])
    if not code.whole:
        environment = method(environment, "long")
    biased = {"biased": _TRUE} if code.biased else {}
    by_slope = code.word == PENALTIES["irm"].word
    of = (py.Attribute(left, "logits"), right) if by_slope else (method(left, "nll", right),)
    return runtime(code.word, *of, environment, py.Literal(code.classes), **biased)


def _importance(code: TermCode) -> py.Expression:
    """A bound by several samples, from the log-densities of each."""
    named: dict[str, py.Expression] = {
        "p": listing(map(_density, code.above)),
        "q": listing(map(_density, code.below)),
    }
    named |= {name: number(float(value)) for name, value in code.settings}
    if not code.strata:
        return runtime("expect", runtime(code.word, **named, samples=py.Literal(code.times)))
    bound = runtime(
        code.word,
        **named,
        samples=py.Literal(code.times // code.experts),
        log_weights=py.Attribute(local(code.strata), "log_weights"),
        **({"per_expert": _TRUE} if code.apart else {}),
    )
    return runtime("expect", bound)


def _density(one: Density) -> py.Expression:
    """A log-density, where rows have the value."""
    nats = reference(one.value)
    if one.distribution is not None:
        nats = method(reference(one.distribution), "log_prob", nats)
    elif one.word:
        nats = method(py.Word(one.word), "log_prob", nats)
    return nats if one.seen is None else runtime("among", nats, reference(one.seen))


def _price(code: TermCode, likelihood: py.Expression, value: py.Expression) -> py.Expression:
    """What a value costs under a likelihood: its surprise, or how far it is from the mean."""
    mean = py.Attribute(likelihood, "mean")
    match code.word:
        case "":
            return method(likelihood, "nll", value)
        case "squared":
            return method(py.Binary(mean, "-", value), "square")
        case "absolute":
            return method(py.Binary(mean, "-", value), "abs")
        case _:
            both: tuple[py.Expression | py.Starred, ...] = (mean, value)
            if code.right is not None and code.right.in_sets:  # torch warns of other shapes
                both = (py.Starred(torch("broadcast_tensors", mean, value)),)
            return torch("nn.functional.huber_loss", *both, reduction=py.Literal("none"))


def _of_posterior(code: TermCode, left: py.Expression, right: py.Expression) -> py.Expression:
    """A rate or an entropy, by its closed form or from a sample."""
    left = runtime("detached", left) if code.held else left
    seen = _in_bound(code)
    if code.value is not None:
        return _from_sample(code, left, right, reference(code.value))
    if code.kind == "entropy":
        return runtime("expect", _averaged(code, method(left, "entropy")))
    if code.broadcast:
        models = _of_children(right, code.left)
        return runtime("expect", method(axis(left), "kl", models), *seen)
    return runtime("expect", _averaged(code, method(left, "kl", right)), *seen)


def _from_sample(
    code: TermCode, left: py.Expression, right: py.Expression, value: py.Expression
) -> py.Expression:
    """A rate or an entropy without a closed form, from the log-densities of a sample."""
    seen = _in_bound(code)
    own_density = method(left, "log_prob", value)
    if code.joint and code.kind == "kl":
        nats = _averaged(code, runtime("monte_carlo_kl", left, right, value))
        return runtime("expect", nats, *seen)
    if code.joint:
        return py.Unary("-", runtime("expect", _averaged(code, own_density), *seen))
    expected = runtime("expect", local(code.density) if code.density else own_density, *seen)
    if code.kind == "entropy":
        return py.Unary("-", expected)
    theirs = method(right, "log_prob", value)
    return py.Binary(expected, "-", runtime("expect", theirs, *seen))


def _averaged(code: TermCode, nats: py.Expression) -> py.Expression:
    """What every class costs, as often as it is likely; or every expert of a mixture."""
    if code.strata:
        return method(local(code.strata), "average", nats)
    return runtime("averaged", nats, local(code.chance)) if code.chance else nats


def _distance(code: TermCode) -> py.Expression:
    critic = (own(code.critic),) if code.critic else ()
    samples = (_sample(code, sample) for sample in code.samples)
    return runtime(code.word, *critic, *samples, **_edges(code))


def _edges(code: TermCode) -> dict[str, py.Expression]:
    """The edges that a critic sees."""
    return {"edges": py.Tuple(tuple(map(reference, code.edges)))} if code.edges else {}


def _correlation(code: TermCode, left: py.Expression, right: py.Expression) -> py.Expression:
    if code.critic:
        return runtime(code.word, own(code.critic), left, *_keys(code, code.left), **_edges(code))
    rows = (own("rows"),) if ESTIMATORS[code.word].rows else ()
    if code.samples:
        values, posteriors = code.samples
        whole = runtime("Gaussian.stack", gathered(posteriors))
        return runtime(code.word, stacked(list(map(reference, values))), whole, *rows)
    return runtime(code.word, left, right, *rows)


def _information(code: TermCode, left: py.Expression, right: py.Expression) -> py.Expression:
    """Of two parts, from samples of their joint."""
    read, groups = _groups(code)
    if code.critic:
        more = (*read, *groups, *_keys(code, code.right or code.left))
        return runtime(code.word, own(code.critic), left, right, *more, **_edges(code))
    if ESTIMATORS[code.word].groups:
        right = py.Binary(right, ">", py.Literal(0.5))
    return runtime(code.word, left, right, *groups)


def _groups(code: TermCode) -> tuple[tuple[py.Expression, ...], tuple[py.Expression, ...]]:
    """What an information is given: as a critic reads it, and as the numbers of groups."""
    if not code.samples:
        return (), ()
    (read,), (held,) = code.samples
    group = reference(held)
    return (reference(read),), (group if code.whole else method(group, "long"),)


def _keys(code: TermCode, ref: Ref) -> tuple[py.Expression, ...]:
    """The noise that permutes rows, of an estimator that does, where the caller gives it."""
    if not ESTIMATORS[code.word].permutes:
        return ()
    return (method(py.Name("noise"), "get", py.Literal(f"permuted({ref.name})")),)


def _sample(code: TermCode, sample: Sequence[Ref]) -> py.Expression:
    """The variables of a sample: side by side for an estimator, apart for a critic."""
    if len(sample) == 1:
        return reference(sample[0])
    if code.critic:
        return py.Tuple(tuple(map(reference, sample)))
    flattened = (method(reference(one), "flatten", py.Literal(1)) for one in sample)
    return torch("cat", listing(flattened), dim=py.Literal(1))


def _in_bound(code: TermCode) -> tuple[py.Expression, ...]:
    """The mask of the rows and members that have a term, where not all of them have it."""
    if not code.seen:
        return ()
    if len(code.seen) == 1:
        return (chain("&", map(reference, code.seen[0])),)
    return (stacked(masks(code.seen)),)


def _of_children(models: py.Expression, left: Ref) -> py.Expression:
    """The same members of the models as of the posterior: behind the axis of the subsets."""
    if left.places is None:
        return models
    picked = py.Literal(left.places[0]) if left.one else integers(left.places)
    return py.Index(models, (py.Slice(), py.Slice(), picked))
