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


def verification_text(found: Verification | None) -> Iterator[str]:
    """A line for each comparison, each mistake, and each thing that could not be verified."""
    if found is not None:
        yield from _derivation(found)
        for each in found.emitted:
            yield from _emitted(each)
        yield from map(_estimate, found.estimates)
        for compared in found.gradients:
            yield from _gradient(compared)
        yield from (f"  WRONG: {what}" for what in found.wrong)
        yield from (f"  not verified: {left.what}: {left.why}" for left in found.unverified)


def verification_json(found: Verification | None) -> Json:
    """The same, as the audit's schema has it; nothing where nobody asked for it."""
    if found is None:
        return {}
    kinds: dict[str, Comparison | None] = {"discrete": found.discrete, "gaussian": found.gaussian}
    return {
        **{
            kind: {"draws": one.draws, "values": one.values, "max_abs_error": one.max_abs_error}
            for kind, one in kinds.items()
            if one is not None
        },
        "emitted": [_emitted_json(one) for one in found.emitted],
        **(
            {"estimates": [_estimate_json(one) for one in found.estimates]}
            if found.estimates
            else {}
        ),
        **(
            {"gradients": [_gradient_json(one) for one in found.gradients]}
            if found.gradients
            else {}
        ),
        **_structures_json(found),
        "mistakes": list(found.wrong),
        "unverified": [{"what": one.what, "why": one.why} for one in found.unverified],
    }


def _derivation(found: Verification) -> Iterator[str]:
    """What was derived, beside its definitions."""
    kinds = {
        "by enumeration of discrete distributions": found.discrete,
        "by closed forms of linear Gaussians": found.gaussian,
    }
    for how, one in kinds.items():
        if one is not None:
            yield (
                f"  {one.values} values in {one.draws} draws, {how}: "
                f"largest error {one.max_abs_error:.1e} nats"
            )
    if found.of_structures > 1:
        yield f"    in {_structures(found)}"


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
