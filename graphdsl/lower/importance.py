"""Bounds of the data's likelihood by several samples of each row (Burda et al., 2016)."""

from __future__ import annotations

__all__ = ["importance_terms", "sampled_networks", "unfit_importances"]

from collections.abc import Iterator, Mapping

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.draws import draws_in
from graphdsl.ir.information import Collected, CrossEntropy, Importance, Term
from graphdsl.ir.loss import Bound, LossTerm, TermCode
from graphdsl.ir.model import Model
from graphdsl.ir.notation import Names as Variables
from graphdsl.ir.notation import latex_names, latex_weight
from graphdsl.ir.signs import sign
from graphdsl.ir.weight import ONE, Weight
from graphdsl.lower.errors import EstimatorMisplaced
from graphdsl.lower.names import Names
from graphdsl.lower.relations import OWN, directed
from graphdsl.lower.runs import Plan
from graphdsl.lower.samples import SamplePass


def unfit_importances(collected: Collected, model: Model) -> Iterator[Diagnostic]:
    """Bounds whose direction is wrong, or may be; and those of sets that are drawn."""
    for one in collected.importances:
        line = one.lines[0] if one.lines else 1
        span, target = Span(line, 1, line, 2), f"KL({one.divergence.under} || p)"
        reason, instead = _why_not(one, collected, model)
        if reason:
            yield EstimatorMisplaced(
                span=span,
                estimator="the bound of several samples",
                target=target,
                reason=reason,
                instead=instead,
            )


def _why_not(one: Importance, collected: Collected, model: Model) -> tuple[str, str]:
    """Why the bound does not apply, and what to do; nothing if it does."""
    if draws_in(one.divergence.variables or (), one.divergence.under):
        reason = "this is a mean over sets that are drawn"
        return reason, "leave `with iwae` out there, or write the sets out"
    if sign(one.weight, model.parameters) == "nonpositive":
        reason = "it bounds from above, and the weight is negative"
        return reason, "give it a positive weight"
    labels = [family for family in model.families if family.labels]
    if labels:
        reason = f"rows that know `{labels[0].name}` are bounded by another density than the rest"
        return reason, "leave out `with iwae`, or the word `optional`"
    if model.masks and (collected.distances or collected.estimated):
        reason = "all rows have one draw of the masks, for the sake of a term of samples"
        return reason, "leave that term out, or `with iwae`"
    return "", ""


def sampled_networks(collected: Collected) -> Iterator[str]:
    """The inference networks that are sampled for terms which are no pieces."""
    yield from (one.divergence.under for one in collected.importances)
    yield from (one.distance.under for one in collected.distances)


def importance_terms(
    plans: Mapping[str, Plan], collected: Collected, taken: Names
) -> Iterator[LossTerm]:
    """One term for each bound, with the pass over its samples planned."""
    for one in collected.importances:
        yield _term(plans[one.divergence.under], one, taken)


def _term(base: Plan, one: Importance, taken: Names) -> LossTerm:
    samples, several = one.divergence.samples, SamplePass(base, one.divergence)
    text, latex = _ratio(several, base.base)
    at = one.divergence.under
    mean = f"\\mathbb{{E}}_{{{at}}}" if len(at) > 1 else f"\\mathbb{{E}}_{at}"
    weighed = f"\\log \\tfrac{{1}}{{{samples}}} \\sum_{{k=1}}^{{{samples}}} {latex}"
    model = f"p({','.join(several.data)}{'|' * bool(several.roots)}{','.join(several.roots)})"
    stands_for = Term(one.weight, CrossEntropy(several.data, several.roots, model, at))
    relation = directed(OWN["importance_weighted"], one.weight, base.model)
    given = f" \\mid {latex_names(several.roots)}" if several.roots else ""
    likelihood = f"\\log p({latex_names(several.data)}{given})"
    posterior = f"{base.base}({', '.join(several.latents)} | {', '.join(several.read)})"
    bound = Bound(
        weight=one.weight,
        entropy=stands_for,
        model=model,
        gap=f"{_factor(one.weight)}{mean}\\bigl[{likelihood} - {weighed}\\bigr]",
        tight_when=f"{posterior} is p's own posterior, or the samples are many",
        certified=relation == "upper",
    )
    return LossTerm(
        name=taken.take(f"importance{base.tag}"),
        weight=one.weight,
        code=TermCode(
            kind="importance",
            left=several.below[0].value,
            right=None,
            times=samples,
            above=several.above,
            below=several.below,
        ),
        formula=f"E_{at}[-log 1/{samples} sum_k {text}]",
        latex=f"{mean}\\bigl[-{weighed}\\bigr]",
        stands_for=(stands_for,),
        relation=relation,
        bounds=(bound,),
        estimator=f"{samples} sample{'s' * (samples > 1)} of each row",
        lines=one.lines,
        frozen=one.divergence.frozen,
    )


def _ratio(several: SamplePass, network: str) -> tuple[str, str]:
    """An importance weight, as text and in LaTeX: p(x, z) / q(z | x)."""
    joint: Variables = (*several.data, *several.latents)
    text = f"p({', '.join(joint)}" + (f" | {', '.join(several.roots)})" if several.roots else ")")
    text += f" / {network}({', '.join(several.latents)} | {', '.join(several.read)})"
    given = f" \\mid {latex_names(several.roots)}" if several.roots else ""
    below = f"{network}({latex_names(several.latents)} \\mid {latex_names(several.read)})"
    return text, f"\\frac{{p({latex_names(joint)}{given})}}{{{below}}}"


def _factor(weight: Weight) -> str:
    if weight == ONE:
        return ""
    text = latex_weight(weight)
    return f"{text}\\," if len(weight.terms) == 1 else f"({text})\\,"
