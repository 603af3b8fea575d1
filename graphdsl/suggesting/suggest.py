"""Every proposal compiled, and those kept whose loss is tighter than it was."""

from __future__ import annotations

__all__ = ["suggest"]

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction

from graphdsl.catalog.methods import Relation
from graphdsl.comparing import same_objective
from graphdsl.compiler import Checked, Compiled, check_spec, derive
from graphdsl.diagnostics import CompilerBug, Source, SpecError
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.suggestion import Advice, Suggestion, Weakness
from graphdsl.notation.gaps import folded_gaps, gap_texts
from graphdsl.suggesting.amendments import Amendment, amended
from graphdsl.suggesting.bounds import for_bounds
from graphdsl.suggesting.estimators import for_estimates

Values = Mapping[str, Fraction]

_WORSE: tuple[Relation, ...] = ("equal", "upper", "lower", "estimate", "saddle", "surrogate")
_NO_GAP: Mapping[Relation, str] = {
    "equal": "none",
    "upper": "never negative, in expectation over batches",
    "lower": "never positive, in expectation over batches",
    "estimate": "none that is known: an estimate may err to either side",
    "saddle": "what the other player lacks of its optimum",
    "surrogate": "none that is known: a surrogate has no direction",
}


def suggest(source: Source, constants: Values, parameters: Values) -> Advice:
    """Say for each term that is not exact which lines of the spec would make it tighter.

    Every suggestion has been compiled. One for a bound is kept if it changes the gap of that bound
    and the loss is related to the objective no worse; one for an estimate, if fewer terms are
    surrogates, games or estimates than before, the worst first.

    Raises:
        SpecError: If the spec itself does not compile.
    """
    checked = check_spec(source, constants, parameters)
    compiled = derive(checked, keep_refuted=True)
    model, module = checked.model, compiled.module
    weaknesses = []
    for term in module.terms:
        if term.relation == "equal":
            continue
        proposals = (*for_estimates(term, model, checked.spec), *for_bounds(term, model))
        suggestions = [
            suggestion
            for each in proposals
            for suggestion in _tried(each, source, compiled, term, constants, parameters)
        ]
        weaknesses.append(
            Weakness(
                term=term.name,
                formula=term.formula,
                relation=term.relation,
                suggestions=tuple(_best(suggestions)),
                because="" if suggestions else _because(term),
            )
        )
    return Advice(name=source.name, relation=module.relation, weaknesses=tuple(weaknesses))


def _tried(
    proposal: Amendment,
    source: Source,
    compiled: Compiled,
    term: LossTerm,
    constants: Values,
    parameters: Values,
) -> Iterator[Suggestion]:
    """A proposal, if it compiles to the same objective and a tighter loss."""
    text, removed, added = amended(source, proposal)
    try:
        after = derive(check_spec(text, constants, parameters), keep_refuted=True)
    except (SpecError, CompilerBug):
        return  # whatever keeps it from compiling is no matter of the spec that is looked at
    if _warns_anew(compiled, after):
        return
    if not proposal.is_certain and not (
        _is_tighter(proposal, compiled.module, after.module)
        and _means_the_same(compiled.checked, after.checked, term)
    ):
        return
    yield Suggestion(
        removed=removed,
        added=added,
        text=text.text,
        before=_gaps(proposal, compiled.module, term),
        after=_gaps(proposal, after.module, _successor(term, after.module)),
        relation=after.module.relation,
        known=proposal.known,
    )


def _because(term: LossTerm) -> str:
    """Why nothing is suggested."""
    match term.code.kind:
        case "penalty" | "cost" | "sparsity":
            return f"a {term.code.kind} is no information, and nothing of the language bounds it"
        case "distance":
            return (
                "it is estimated from samples; a divergence of densities, such as "
                "KL(q(z) || p(z)), would be another objective"
            )
        case _ if term.critic_code is not None:
            return "its network plays against the term, which is as good as that network"
        case _ if term.bounds:
            return (
                "its networks read all that the entropies are given and serve no other term, so "
                "that training alone closes the gap"
            )
        case _:
            return "no other estimator of the language is tighter for it"


def _warns_anew(before: Compiled, after: Compiled) -> bool:
    """Whether an amendment has warnings that the spec has not, such as of a bound without worth."""
    known = Counter(warning.code for warning in before.warnings)
    return bool(Counter(warning.code for warning in after.warnings) - known)


def _best(suggestions: list[Suggestion]) -> Iterator[Suggestion]:
    """The best relations first, each outcome once."""
    seen = set()
    for one in sorted(suggestions, key=lambda one: _WORSE.index(one.relation)):
        outcome = one.relation, one.after
        if outcome not in seen or one.before != one.after:
            seen.add(outcome)
            yield one


def _is_tighter(proposal: Amendment, before: LossModule, after: LossModule) -> bool:
    if proposal.targets:
        changed = _target_gaps(proposal, before) != _target_gaps(proposal, after)
        return changed and _badness(after) <= _badness(before)
    return _badness(after) < _badness(before)


def _badness(module: LossModule) -> tuple[int, ...]:
    """How bad the relation is, and how many terms are no bounds, the worst kind first."""
    kinds = Counter(term.relation for term in module.terms)
    worst = _WORSE.index(module.relation) if module.relation not in ("equal", "upper") else 0
    return worst, *(kinds[one] for one in reversed(_WORSE[2:]))


def _means_the_same(before: Checked, after: Checked, term: LossTerm) -> bool:
    """Whether the amended spec has the same objective; a distance told otherwise is another one."""
    return term.code.kind == "distance" or same_objective(before, after)


def _gaps(proposal: Amendment, module: LossModule, term: LossTerm | None) -> tuple[str, ...]:
    if proposal.targets:
        return _target_gaps(proposal, module)
    if term is None:
        bounds = [bound for each in module.terms for bound in each.bounds]
        return folded_gaps(bounds) or (_NO_GAP["equal"],)
    return gap_texts(term) or (_NO_GAP[term.relation],)


def _target_gaps(proposal: Amendment, module: LossModule) -> tuple[str, ...]:
    return folded_gaps(
        bound
        for term in module.terms
        for bound in term.bounds
        if str(bound.entropy.atom) in proposal.targets
    )


def _successor(term: LossTerm, module: LossModule) -> LossTerm | None:
    """The term that stands for the same in another loss; None where several terms do."""
    same = [one for one in module.terms if one.formula == term.formula]
    return same[0] if same else None
