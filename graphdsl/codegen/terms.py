"""Terms of a loss as expressions, on average over the rows."""

from __future__ import annotations

__all__ = ["slope_code", "term_code"]

from collections.abc import Sequence

from graphdsl.codegen.expressions import chosen_mask, masks, members, reference
from graphdsl.ir.loss import Density, SlopePenalty, TermCode
from graphdsl.ir.statements import Ref


def term_code(code: TermCode) -> str:
    """The expression that computes a term, on average over the rows."""
    left = reference(code.left)
    right = code.prior if code.right is None else reference(code.right)
    seen = _in_bound(code)
    match code.kind:
        case "kl" | "entropy":
            return _of_posterior(code, left, right, seen)
        case "reconstruction" | "cross_entropy" | "cost":
            price = _price(code, left, f"{right}.detach()" if code.held else right)
            price = _averaged(code, price)
            inside = price if code.among is None else f"among({price}, {chosen_mask(code.among)})"
            return f"expect({inside}{seen})"
        case "sparsity":
            return f"self.mask_{left}.expected_edges()"
        case "total_correlation":
            return _correlation(code, left, right)
        case _:
            return _from_samples(code, left, right)


def _from_samples(code: TermCode, left: str, right: str) -> str:
    match code.kind:
        case "information":
            return _information(code, left, right)
        case "penalty":
            environment = reference(code.samples[0][0]) + ("" if code.whole else ".long()")
            return f"irm_penalty({left}.logits, {right}, {environment}, {code.classes})"
        case _:
            return _importance(code) if code.kind == "importance" else _distance(code)


def _importance(code: TermCode) -> str:
    """A bound by several samples, from the log-densities of each."""
    above, below = (", ".join(map(_density, several)) for several in (code.above, code.below))
    return f"expect(importance_weighted(p=[{above}], q=[{below}], samples={code.times}))"


def _density(one: Density) -> str:
    """A log-density, where rows have the value."""
    head = one.word if one.distribution is None else reference(one.distribution)
    nats = f"{head}.log_prob({reference(one.value)})" if head else reference(one.value)
    return nats if one.seen is None else f"among({nats}, {reference(one.seen)})"


def _price(code: TermCode, likelihood: str, value: str) -> str:
    """What a value costs under a likelihood: its surprise, or how far it is from the mean."""
    match code.word:
        case "":
            return f"{likelihood}.nll({value})"
        case "squared":
            return f"({likelihood}.mean - {value}).square()"
        case "absolute":
            return f"({likelihood}.mean - {value}).abs()"
        case _:
            both = f"{likelihood}.mean, {value}"
            if code.right is not None and code.right.in_sets:  # torch warns of other shapes
                both = f"*torch.broadcast_tensors({both})"
            return f'torch.nn.functional.huber_loss({both}, reduction="none")'


def _of_posterior(code: TermCode, left: str, right: str, seen: str) -> str:
    """A rate or an entropy; where there is no closed form, from the log-densities of a sample."""
    if code.value is not None:
        value = reference(code.value)
        own = code.density or f"{left}.log_prob({value})"
        if code.kind == "entropy":
            return f"-expect({own}{seen})"
        return f"expect({own}{seen}) - expect({right}.log_prob({value}){seen})"
    if code.kind == "entropy":
        return f"expect({_averaged(code, f'{left}.entropy()')})"
    if code.broadcast:
        return f"expect({left}[:, None].kl({right}{_of_children(code.left)}){seen})"
    return f"expect({_averaged(code, f'{left}.kl({right})')}{seen})"


def _averaged(code: TermCode, nats: str) -> str:
    """What every class costs, as often as it is likely."""
    return f"averaged({nats}, {code.chance})" if code.chance else nats


def _distance(code: TermCode) -> str:
    critic = f"self.{code.critic}, " if code.critic else ""
    here, there = (_sample(code, sample) for sample in code.samples)
    return f"{code.word}({critic}{here}, {there})"


def slope_code(code: TermCode, penalty: SlopePenalty) -> str:
    """Half the mean square of a critic's slope, at one of the two samples that it tells apart."""
    values = ", ".join(map(reference, code.samples[penalty.side]))
    return f"gradient_penalty_r1(self.{code.critic}, {values})"


def _correlation(code: TermCode, left: str, right: str) -> str:
    if code.critic:
        return f"{code.word}(self.{code.critic}, {left}{_permuted(code.left)})"
    rows = "" if code.word == "total_correlation_loo" else ", self.rows"
    if code.samples:
        values, posteriors = map(members, code.samples)
        left, right = f"torch.stack({values}, dim=1)", f"Gaussian.stack({posteriors})"
    return f"{code.word}({left}, {right}{rows})"


def _information(code: TermCode, left: str, right: str) -> str:
    """Of two parts, from samples of their joint."""
    if code.critic:
        keys = _permuted(code.right or code.left)
        return f"{code.word}(self.{code.critic}, {left}, {right}{keys})"
    groups = code.word == "mmd_between"
    return f"{code.word}({left}, {right} > 0.5)" if groups else f"{code.word}({left}, {right})"


def _permuted(ref: Ref) -> str:
    """The noise that permutes rows, where the caller gives it."""
    return f', noise.get("permuted({ref.name})")'


def _sample(code: TermCode, sample: Sequence[Ref]) -> str:
    """The variables of a sample: side by side for an estimator, apart for a critic."""
    if len(sample) == 1:
        return reference(sample[0])
    if code.critic:
        return f"({', '.join(map(reference, sample))})"
    flat = ", ".join(f"{reference(one)}.flatten(1)" for one in sample)
    return f"torch.cat([{flat}], dim=1)"


def _in_bound(code: TermCode) -> str:
    """The mask of the rows and members that have a term, as a second argument."""
    if not code.seen:
        return ""
    if code.subsets:
        return f", has_all({reference(code.seen[0][0])}, self.{code.subsets})"
    if len(code.seen) == 1:
        return f", {' & '.join(map(reference, code.seen[0]))}"
    return f", torch.stack([{', '.join(masks(code.seen))}], dim=1)"


def _of_children(left: Ref) -> str:
    """The same members of the models as of the posterior: behind the axis of the subsets."""
    if left.places is None:
        return ""
    return f"[:, :, {left.places[0] if left.one else list(left.places)}]"
