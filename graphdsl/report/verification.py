"""What came of verifying an audit, as text and as JSON."""

from __future__ import annotations

__all__ = ["verification_json", "verification_text"]

from collections.abc import Iterator

from graphdsl.ir.verification import (
    Comparison,
    EmittedComparison,
    EstimateComparison,
    GradientComparison,
    Verification,
)
from graphdsl.report.terms import Json


def verification_text(verification: Verification | None) -> Iterator[str]:
    """A line for each comparison, each mistake, and each thing that could not be verified."""
    if verification is not None:
        yield from _derivation(verification)
        for each in verification.emitted:
            yield from _emitted(each)
        yield from map(_estimate, verification.estimates)
        for compared in verification.gradients:
            yield from _gradient(compared)
        yield from (f"  WRONG: {what}" for what in verification.wrong)
        yield from (f"  not verified: {left.what}: {left.why}" for left in verification.unverified)


def verification_json(verification: Verification | None) -> Json:
    """The same, as the audit's schema has it; nothing where nobody asked for it."""
    if verification is None:
        return {}
    kinds: dict[str, Comparison | None] = {
        "discrete": verification.discrete,
        "gaussian": verification.gaussian,
    }
    return {
        **{
            kind: {"draws": one.draws, "values": one.values, "max_abs_error": one.max_abs_error}
            for kind, one in kinds.items()
            if one is not None
        },
        "emitted": [_emitted_json(one) for one in verification.emitted],
        **(
            {"estimates": [_estimate_json(estimate) for estimate in verification.estimates]}
            if verification.estimates
            else {}
        ),
        **(
            {"gradients": [_gradient_json(gradient) for gradient in verification.gradients]}
            if verification.gradients
            else {}
        ),
        **_structures_json(verification),
        "mistakes": list(verification.wrong),
        "unverified": [{"what": one.what, "why": one.why} for one in verification.unverified],
    }


def _derivation(verification: Verification) -> Iterator[str]:
    """What was derived, beside its definitions."""
    kinds = {
        "by enumeration of discrete distributions": verification.discrete,
        "by closed forms of linear Gaussians": verification.gaussian,
    }
    for how, kind in kinds.items():
        if kind is not None:
            yield (
                f"  {kind.values} values in {kind.draws} draws, {how}: "
                f"largest error {kind.max_abs_error:.1e} nats"
            )
    if verification.of_structures > 1:
        yield f"    in {_structures(verification)}"


def _emitted(one: EmittedComparison) -> Iterator[str]:
    how = "closed form" if one.kind == "gaussian" else "enumeration"
    yield f"  the loss emitted for {one.of}: error {one.abs_error:.1e} nats, beside its {how}"
    if one.of_structures > 1:
        yield f"    in {_structures(one)}"
    if one.z_score is not None:
        yield f"    and {one.z_score:.2f} standard errors from it over {one.samples} samples"
    if one.at_samples:
        yield f"    with {one.at_samples} at the same samples"
    if one.left_out:
        yield f"    without {', '.join(one.left_out)}: no closed form here"


def _structures(one: EmittedComparison | Verification) -> str:
    """How many structures of learned edges were tried, and of how many."""
    if one.structures == one.of_structures:
        return f"each of the {one.structures} structures of the learned edges"
    return f"{one.structures} of the {one.of_structures:,} structures of the learned edges"


def _estimate(one: EstimateComparison) -> str:
    where = f", where {one.structure}" if one.structure else ""
    return (
        f"  {one.term} is {one.mean:.4g} +- {one.deviation:.2g} nats on average, "
        f"and {one.exact:.4g} in closed form: {one.relation}{where}"
    )


def _estimate_json(one: EstimateComparison) -> Json:
    return {
        "term": one.term,
        "relation": one.relation,
        "exact": one.exact,
        "mean": one.mean,
        "standard_error": one.deviation,
        **({"structure": one.structure} if one.structure else {}),
    }


def _gradient(one: GradientComparison) -> Iterator[str]:
    count = len(one.slopes)
    yield (
        f"  the gradient of {one.player}, in {count} direction{'s' * (count != 1)}: "
        f"largest error {one.max_error:.1e} of the slope, beside central differences"
    )


def _gradient_json(one: GradientComparison) -> Json:
    return {
        "player": one.player,
        "directions": len(one.slopes),
        "max_error": one.max_error,
        "slopes": [
            {
                "network": slope.of,
                "emitted": slope.emitted,
                "stated": slope.stated,
                "error": slope.error,
            }
            for slope in one.slopes
        ],
    }


def _structures_json(one: EmittedComparison | Verification) -> dict[str, Json]:
    """How many structures were tried; nothing of a spec without learned edges."""
    if one.of_structures == 1:
        return {}
    return {"structures": {"tried": one.structures, "of": one.of_structures}}


def _emitted_json(one: EmittedComparison) -> Json:
    return {
        "of": one.of,
        "kind": one.kind,
        "exact": one.exact,
        "loss": one.loss,
        "abs_error": one.abs_error,
        "rows": one.rows,
        "samples": one.samples,
        "z_score": one.z_score,
        "left_out": list(one.left_out),
        "at_samples": one.at_samples,
        **_structures_json(one),
    }
