"""Bounds of the data's likelihood by several samples of each row (Burda et al., 2016)."""

from __future__ import annotations

__all__ = ["importance_terms", "sampled_networks", "unfit_importances"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.bound.relations import directed
from graphdsl.catalog.methods import IWAE
from graphdsl.diagnostics import CompilerBug, Diagnostic, Span
from graphdsl.ir.draws import draws_in
from graphdsl.ir.information import Collected, CrossEntropy, Term
from graphdsl.ir.loss import Bound, LossTerm, TermCode
from graphdsl.ir.model import Model
from graphdsl.ir.notation import Formula, Phrase, shortened
from graphdsl.ir.objective import DivergenceOfMarginals
from graphdsl.ir.symbols import ModelRef, NetworkName, Variable, latex_names
from graphdsl.lower.errors import SeveralSamplesMisplaced
from graphdsl.lower.estimator_choice import ImportanceEstimate
from graphdsl.notation.folding import listed
from graphdsl.notation.networks import joint_text
from graphdsl.program.names import Names
from graphdsl.program.passes.repeat_samples import SamplePass
from graphdsl.program.state import Plan
from graphdsl.signs import sign


def unfit_importances(
    collected: Collected, estimates: Iterable[ImportanceEstimate], model: Model
) -> Iterator[Diagnostic]:
    """Bounds whose direction is wrong, or may be; and those of sets that are drawn."""
    for estimate in estimates:
        one = estimate.importance
        line = one.lines[0] if one.lines else 1
        reason, instead = _why_not(estimate, collected, model)
        if reason:
            yield SeveralSamplesMisplaced(
                span=Span(line, 1, line, 2),
                word=one.divergence.method.word,
                under=one.divergence.under,
                reason=reason,
                instead=instead,
            )


def _why_not(estimate: ImportanceEstimate, collected: Collected, model: Model) -> tuple[str, str]:
    """Why the bound does not apply, and what to do; nothing if it does."""
    one, method = estimate.importance, estimate.importance.divergence.method
    within = f"with {method.word}"
    if estimate.estimator is None:
        reason = f"`{method.word}` has no bound for a posterior that is a mixture of experts"
        return reason, f"write `with {IWAE.word}{IWAE.example}`"
    if draws_in(one.divergence.variables or (), one.divergence.under):
        reason = "this is a mean over sets that are drawn"
        return reason, f"leave `{within}` out there, or write the sets out"
    if sign(one.weight, model.parameters) == "nonpositive":
        reason = "it bounds from above, and the weight is negative"
        return reason, "give it a positive weight"
    labels = [family for family in model.families if family.labels]
    if labels:
        reason = f"rows that know `{labels[0].name}` are bounded by another density than the rest"
        return reason, f"leave out `{within}`, or the word `optional`"
    if model.masks and (collected.distances or collected.estimated):
        reason = "all rows have one draw of the masks, for the sake of a term of samples"
        return reason, f"leave that term out, or `{within}`"
    return "", ""


def sampled_networks(collected: Collected) -> Iterator[NetworkName]:
    """The inference networks that are sampled for terms which are no pieces."""
    yield from (importance.divergence.under for importance in collected.importances)
    yield from (distance.distance.under for distance in collected.distances)


def importance_terms(
    plans: Mapping[NetworkName, Plan], estimates: Iterable[ImportanceEstimate], taken: Names
) -> Iterator[LossTerm]:
    """One term for each bound, with the pass over its samples planned."""
    for estimate in estimates:
        yield _term(plans[estimate.importance.divergence.under], estimate, taken)


def _term(base: Plan, estimate: ImportanceEstimate, taken: Names) -> LossTerm:
    one, chosen = estimate.importance, estimate.estimator
    passes = SamplePass(base, one.divergence)
    at = one.divergence.under
    mean = f"\\mathbb{{E}}_{{{at}}}" if len(at) > 1 else f"\\mathbb{{E}}_{at}"
    text, weighed = _weighed(passes, one.divergence, base)
    model = ModelRef("p", passes.data, passes.roots)
    stands_for = Term(one.weight, CrossEntropy(passes.data, passes.roots, model, at))
    method, mixture = one.divergence.method, passes.mixture
    if chosen is None:
        raise CompilerBug(f"{method.word} has no estimator of this divergence")
    relation = directed(chosen.relation, one.weight, base.model)
    given = f" \\mid {latex_names(passes.roots)}" if passes.roots else ""
    spaced = f"p({listed(passes.data)}{' | ' * bool(passes.roots)}{listed(passes.roots)})"
    likelihood = f"\\log p({latex_names(passes.data)}{given})"
    gap = Formula(f"E_{at}[log {spaced} - {text}]", f"{mean}\\bigl[{likelihood} - {weighed}\\bigr]")
    posterior = (base.base, "(", passes.latents, " | ", _read(passes, base), ")")
    apart = one.divergence.experts == "apart" or not method.closes
    closes = () if apart else (", or ", method.closes)
    bound = Bound(
        weight=one.weight,
        entropy=stands_for,
        model=model,
        gap=(one.weight, gap),
        tight_when=Phrase((*posterior, " is p's own posterior", *closes)),
        certified=relation == "upper",
    )
    return LossTerm(
        name=taken.take(f"importance{base.tag}"),
        weight=one.weight,
        code=TermCode(
            kind="importance",
            left=passes.below[0].value,
            right=None,
            word=chosen.word,
            times=passes.times,
            settings=one.divergence.settings,
            above=passes.above,
            below=passes.below,
            strata=None if mixture is None else mixture.value,
            experts=0 if mixture is None else len(mixture.experts),
            apart=one.divergence.experts == "apart",
        ),
        formula=f"E_{at}[-{text}]",
        latex=f"{mean}\\bigl[-{weighed}\\bigr]",
        stands_for=(stands_for,),
        relation=relation,
        bounds=(bound,),
        estimator=_estimator(one.divergence, base),
        lines=one.lines,
        frozen=one.divergence.frozen,
    )


def _weighed(passes: SamplePass, divergence: DivergenceOfMarginals, base: Plan) -> tuple[str, str]:
    """The logarithm of the mean of a row's importance weights, as text and in LaTeX."""
    samples = divergence.samples
    text, latex = _ratio(passes, base)
    if passes.mixture is None:
        settings = {"k": samples, **dict(divergence.settings)}
        return divergence.method.averaged(text, latex, settings)
    experts = passes.mixture.experts
    count = "M" if base.inputs.masks(experts) else str(len(experts))
    outer, inner = f"\\sum_{{m=1}}^{{{count}}}", f"\\sum_{{k=1}}^{{{samples}}}"
    if divergence.experts == "apart":
        mean = f"\\tfrac{{1}}{{{count}}} {outer} \\log \\tfrac{{1}}{{{samples}}} {inner} {latex}"
        return f"1/{count} sum_m log 1/{samples} sum_k {text}", mean
    mean = f"\\log \\tfrac{{1}}{{{count} \\cdot {samples}}} {outer} {inner} {latex}"
    return f"log 1/({count} * {samples}) sum_m sum_k {text}", mean


def _estimator(divergence: DivergenceOfMarginals, base: Plan) -> str:
    """How many samples a row has, and of what."""
    samples = divergence.samples
    count = f"{samples} sample{'s' * (samples > 1)}"
    mixed = [
        conditional
        for slot in base.encoders
        for conditional in slot.conditionals
        if conditional.mixes
    ]
    if not mixed:
        return f"{count} of each row"
    have = " that a row has" if base.inputs.masks(mixed[0].parents) else ""
    if mixed[0].one_expert:
        given = f"{mixed[0].selector} | {', '.join(shortened(mixed[0].parents, '...'))}"
        loose = f"one sample is loose by I({joint_text(base.model, mixed[0].children)}; {given})"
        return f"{count} of each row, of one expert{have}, with the density of that; {loose}"
    description = f"{count} of every expert{have}, with the density of their mixture"
    apart = f"{description}, and a logarithm for each expert: no closer than one of all (Jensen)"
    return apart if divergence.experts == "apart" else description


def _read(passes: SamplePass, base: Plan) -> tuple[Variable, ...]:
    """What the posterior is given: the data that it reads, and of mixtures the expert drawn."""
    mixed = [
        conditional
        for slot in base.encoders
        for conditional in slot.conditionals
        if conditional.one_expert
    ]
    return (*passes.read, *dict.fromkeys(one.selector for one in mixed))


def _ratio(passes: SamplePass, base: Plan) -> tuple[str, str]:
    """An importance weight, as text and in LaTeX: p(x, z) / q(z | x)."""
    network, read = base.base, _read(passes, base)
    joint: tuple[Variable, ...] = (*passes.data, *passes.latents)
    text = f"p({listed(joint)}" + (f" | {listed(passes.roots)})" if passes.roots else ")")
    text += f" / {network}({listed(passes.latents)} | {listed(read)})"
    given = f" \\mid {latex_names(passes.roots)}" if passes.roots else ""
    below = f"{network}({latex_names(passes.latents)} \\mid {latex_names(read)})"
    return text, f"\\frac{{p({latex_names(joint)}{given})}}{{{below}}}"
