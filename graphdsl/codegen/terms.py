"""Terms of a loss as expressions, on average over the rows."""

from __future__ import annotations

__all__ = ["slope_code", "term_code"]

from collections.abc import Sequence

from graphdsl.codegen.expressions import chosen_mask, masks, members, reference, stacked
from graphdsl.codegen.layout import Bracket, Code, call
from graphdsl.ir.loss import Density, SlopePenalty, TermCode
from graphdsl.ir.statements import Ref


def term_code(code: TermCode) -> Code:
    """The expression that computes a term, on average over the rows."""
    left = reference(code.left)
    right = code.prior if code.right is None else reference(code.right)
    match code.kind:
        case "kl" | "entropy":
            return _of_posterior(code, left, right)
        case "reconstruction" | "cross_entropy" | "cost":
            price = _price(code, left, f"{right}.detach()" if code.held else right)
            price = _averaged(code, price)
            if code.among is not None:
                price = call("among", price, chosen_mask(code.among))
            return call("expect", price, *_in_bound(code))
        case "sparsity":
            return f"self.{code.mask}.expected_edges()"
        case "total_correlation" | "information":
            estimated = _correlation if code.kind == "total_correlation" else _information
            return estimated(code, left, right)
        case "penalty":
            environment = reference(code.samples[0][0]) + ("" if code.whole else ".long()")
            arguments = f"{left}.logits", right, environment, str(code.classes)
            return call("irm_penalty", *arguments, *["biased=True"] * code.biased)
        case "importance" | "distance":
            return _importance(code) if code.kind == "importance" else _distance(code)


def _importance(code: TermCode) -> Code:
    """A bound by several samples, from the log-densities of each."""
    above, below = (tuple(map(_density, several)) for several in (code.above, code.below))
    weights = Bracket("p=[", above, "]"), Bracket("q=[", below, "]")
    if not code.strata:
        return call("expect", call("importance_weighted", *weights, f"samples={code.times}"))
    of_each = f"samples={code.times // code.experts}", f"log_weights={code.strata}.log_weights"
    apart = ("per_expert=True",) if code.apart else ()
    return call("expect", call("importance_of_experts", *weights, *of_each, *apart))


def _density(one: Density) -> Code:
    """A log-density, where rows have the value."""
    head = one.word if one.distribution is None else reference(one.distribution)
    value = reference(one.value)
    nats = call(f"{head}.log_prob", value) if head else value
    return nats if one.seen is None else call("among", nats, reference(one.seen))


def _price(code: TermCode, likelihood: str, value: str) -> Code:
    """What a value costs under a likelihood: its surprise, or how far it is from the mean."""
    match code.word:
        case "":
            return call(f"{likelihood}.nll", value)
        case "squared":
            return f"({likelihood}.mean - {value}).square()"
        case "absolute":
            return f"({likelihood}.mean - {value}).abs()"
        case _:
            both: tuple[Code, ...] = (f"{likelihood}.mean", value)
            if code.right is not None and code.right.in_sets:  # torch warns of other shapes
                both = (call("*torch.broadcast_tensors", *both),)
            return call("torch.nn.functional.huber_loss", *both, 'reduction="none"')


def _of_posterior(code: TermCode, left: str, right: str) -> Code:
    """A rate or an entropy; where there is no closed form, from the log-densities of a sample."""
    left = f"detached({left})" if code.held else left
    seen = _in_bound(code)
    if code.value is not None and code.joint:
        value = reference(code.value)
        if code.kind == "entropy":
            return call("-expect", _averaged(code, call(f"{left}.log_prob", value)), *seen)
        return call("expect", _averaged(code, call("monte_carlo_kl", left, right, value)), *seen)
    if code.value is not None:
        value = reference(code.value)
        own = code.density or call(f"{left}.log_prob", value)
        if code.kind == "entropy":
            return call("-expect", own, *seen)
        theirs = call(f"{right}.log_prob", value)
        return call(f"{call('expect', own, *seen)} - expect", theirs, *seen)
    if code.kind == "entropy":
        return call("expect", _averaged(code, f"{left}.entropy()"))
    if code.broadcast:
        models = f"{right}{_of_children(code.left)}"
        return call("expect", call(f"{left}[:, None].kl", models), *seen)
    return call("expect", _averaged(code, call(f"{left}.kl", right)), *seen)


def _averaged(code: TermCode, nats: Code) -> Code:
    """What every class costs, as often as it is likely; or every expert of a mixture."""
    if code.strata:
        return call(f"{code.strata}.average", nats)
    return call("averaged", nats, code.chance) if code.chance else nats


def _distance(code: TermCode) -> Code:
    critic = (f"self.{code.critic}",) if code.critic else ()
    samples = (_sample(code, sample) for sample in code.samples)
    return call(code.word, *critic, *samples, *_edges(code))


def _edges(code: TermCode) -> tuple[str, ...]:
    """The edges that a critic sees."""
    return (f"edges=({', '.join(map(reference, code.edges))},)",) if code.edges else ()


def slope_code(code: TermCode, penalty: SlopePenalty) -> Code:
    """Half the mean square of a critic's slope, at one of the two samples that it tells apart."""
    values = map(reference, code.samples[penalty.side])
    return call("gradient_penalty_r1", f"self.{code.critic}", *values, *_edges(code))


def _correlation(code: TermCode, left: str, right: str) -> Code:
    if code.critic:
        keys = _permuted(code.left)
        return call(code.word, f"self.{code.critic}", left, keys, *_edges(code))
    rows = () if code.word == "total_correlation_loo" else ("self.rows",)
    if code.samples:
        values, posteriors = code.samples
        whole = call("Gaussian.stack", members(posteriors))
        return call(code.word, stacked(list(map(reference, values))), whole, *rows)
    return call(code.word, left, right, *rows)


def _information(code: TermCode, left: str, right: str) -> Code:
    """Of two parts, from samples of their joint."""
    if code.critic:
        keys = _permuted(code.right or code.left)
        return call(code.word, f"self.{code.critic}", left, right, keys, *_edges(code))
    groups = code.word == "mmd_between"
    return call(code.word, left, f"{right} > 0.5" if groups else right)


def _permuted(ref: Ref) -> str:
    """The noise that permutes rows, where the caller gives it."""
    return f'noise.get("permuted({ref.name})")'


def _sample(code: TermCode, sample: Sequence[Ref]) -> Code:
    """The variables of a sample: side by side for an estimator, apart for a critic."""
    if len(sample) == 1:
        return reference(sample[0])
    if code.critic:
        return Bracket("(", tuple(map(reference, sample)))
    flat = tuple(f"{reference(one)}.flatten(1)" for one in sample)
    return call("torch.cat", Bracket("[", flat, "]"), "dim=1")


def _in_bound(code: TermCode) -> tuple[Code, ...]:
    """The mask of the rows and members that have a term, where not all of them have it."""
    if not code.seen:
        return ()
    if len(code.seen) == 1:
        return (" & ".join(map(reference, code.seen[0])),)
    return (stacked(masks(code.seen)),)


def _of_children(left: Ref) -> str:
    """The same members of the models as of the posterior: behind the axis of the subsets."""
    if left.places is None:
        return ""
    return f"[:, :, {left.places[0] if left.one else list(left.places)}]"
