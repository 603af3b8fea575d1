"""What `audit --verify` is made of: the audit held against numbers, and modules to be tried."""

from __future__ import annotations

__all__ = ["OnTrial", "on_trial", "verification"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphdsl.compiler import Compiled, canonical_forms, derive, read
from graphdsl.diagnostics import SpecError
from graphdsl.ir.audit import Audit
from graphdsl.ir.symbols import Q
from graphdsl.ir.verification import Unverified, Verification

if TYPE_CHECKING:
    from graphdsl.verify import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTrial:
    """An emitted module, and how to try it."""

    of: str
    text: str
    class_name: str
    trial: Trial


def verification(compiled: Compiled, audit: Audit) -> Verification:
    """Everything that was derived, again: from its steps, in canonical form, and in numbers."""
    from graphdsl.verify import verify

    result = verify(audit)
    return replace(result, mistakes=(*_mistakes(compiled, audit), *result.mistakes))


def on_trial(
    compiled: Compiled, audit: Audit, seed: int = 0, most: int | None = None
) -> tuple[OnTrial | Unverified, ...]:
    """The module of a spec; or why its loss has no value that is known, and its twin's module.

    Where rows may lack something, each pattern of that is a trial, and so is each structure of
    learned edges; `most` of these, drawn at random, where it is given.
    """
    from graphdsl.verify import real_twin, trials_of

    trials = trials_of(audit, seed, most)
    if not isinstance(trials, str):
        return _on_trial(compiled, trials, "the spec")
    own, checked = Unverified("the emitted loss", trials), compiled.checked
    try:
        twin = derive(replace(checked, model=real_twin(checked.model)), keep_refuted=True)
    except SpecError as problem:
        return (own, Unverified("the loss of its twin of real variables", str(problem)))
    trials = trials_of(read(twin), seed, most)
    if isinstance(trials, str):
        return (own, Unverified("the loss emitted for its twin of real variables", trials))
    return (own, *_on_trial(twin, trials, "its twin, in which every variable is real[2]"))


def _on_trial(compiled: Compiled, trials: Iterable[Trial], of: str) -> tuple[OnTrial, ...]:
    from graphdsl.codegen import render_module

    module = compiled.module
    text = render_module(module, compiled.checked.model.constants)
    return tuple(
        OnTrial(
            of=", ".join(filter(None, (of, trial.of))),
            text=text,
            class_name=module.class_name,
            trial=trial,
        )
        for trial in trials
    )


def _mistakes(compiled: Compiled, audit: Audit) -> Iterator[str]:
    """Derivations done again from their steps, certificates checked again: without numbers."""
    from graphdsl.prove import Setting, mistake_in, mistake_in_steps

    model, canons = audit.model, canonical_forms(compiled.checked)
    if audit.leftover:
        yield "the terms and the constants are not the objective"
    for projection in audit.projections:
        canon = canons[projection.under].within(frozenset(projection.network.variables))
        mistake = mistake_in_steps(projection, canon)
        if mistake is not None:
            yield f"D({projection.under} || {projection.network.name}): {mistake}"
    for proof in audit.proofs:
        if proof.certificate is None:
            continue
        setting = Setting.of(model, canons[Q])
        mistake = mistake_in(
            proof.certificate, proof.claim, setting.canon, setting.real, setting.ranges
        )
        if mistake is not None:
            yield f"assert {proof.assertion.text}: {mistake}"
