"""`audit --verify`: the half of it that runs emitted modules, and so needs torch."""

from __future__ import annotations

__all__ = ["compared", "descended", "estimated", "smooth", "tried", "verified"]

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from statistics import fmean, stdev
from types import ModuleType
from typing import TYPE_CHECKING

from graphdsl.ir.verification import (
    EmittedComparison,
    EstimateComparison,
    GradientComparison,
    Unverified,
    Verification,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from graphdsl.compiler import Compiled
    from graphdsl.ir.audit import Audit
    from graphdsl.verify import Affine, Pass, Trial
    from graphdsl_runtime import Objective

_NAME = "graphdsl_emitted_on_trial"
_ROWS = 100  #: that there are, so to speak, where an estimator asks
_SEED = 0
_SPREAD = 0.3  #: of random weights about those that a module begins with
_STILL = 1e-9  #: a spread that is rounding, as a share of the loss


def verified(compiled: Compiled, audit: Audit) -> Audit:
    """The audit with what came of holding it, the emitted loss and its gradients, to numbers."""
    audit_checks = compared(compiled, audit)
    unverified = [*audit_checks.unverified, *_estimated_edges(compiled)]
    slopes = descended(compiled, audit)
    if isinstance(slopes, Unverified):
        unverified.append(slopes)
        slopes = ()
    audit_checks = replace(audit_checks, gradients=slopes, unverified=tuple(unverified))
    return replace(audit, verification=audit_checks)


def compared(compiled: Compiled, audit: Audit) -> Verification:
    """What came of holding an audit, and the emitted loss, against numbers."""
    from graphdsl.auditing import on_trial, verification

    result = verification(compiled, audit)
    unverified, emitted = list(result.unverified), dict[str, list[EmittedComparison]]()
    estimates: list[EstimateComparison] = []
    for one in on_trial(compiled, audit):
        if isinstance(one, Unverified):
            unverified.append(one)
        else:
            loss = tried(one.text, one.class_name, one.trial, one.of)
            emitted.setdefault(one.of, []).append(loss)
            estimates += estimated(one.text, one.class_name, one.trial)
    return replace(
        result,
        emitted=tuple(map(_together, emitted.values())),
        estimates=tuple(estimates),
        unverified=tuple(unverified),
    )


def tried(text: str, class_name: str, trial: Trial, of: str) -> EmittedComparison:
    """The loss of a module, text and class as they were emitted, beside its exact value."""
    import torch

    from graphdsl.verify import SignedSum

    objective = _on_trial(text, class_name, trial)

    def outcome(one: Pass) -> tuple[float, list[float]]:
        """The loss of a pass without what is under a sign, and the sums under them."""
        with torch.no_grad():
            losses = objective(_tensors(one.batch), _tensors(one.noise))
        terms = {name: float(value) for name, value in losses.terms.items()}
        estimated = sum(weight * terms[name] for name, weight in trial.left_out.items())
        inner = [sign.inner(terms) for sign in trial.signs]
        signed = sum(map(SignedSum.signed, trial.signs, inner))
        whole = [losses.players[name] for name in trial.players] or [losses.loss]
        return float(sum(whole)) - estimated - signed, inner

    shares = [(one.weight, *outcome(one)) for one in trial.passes]
    exact = sum(weight * plain for weight, plain, _ in shares)
    for place, sign in enumerate(trial.signs):
        exact += sign.signed(sum(weight * inner[place] for weight, _, inner in shares))
    outcomes = [outcome(sample)[0] for sample in trial.samples]
    return EmittedComparison(
        of=of,
        kind=trial.kind,
        rows=trial.rows,
        exact=trial.exact,
        loss=exact,
        samples=sum(len(next(iter(sample.noise.values()))) for sample in trial.samples),
        z_score=_z_score(outcomes, trial.exact),
        left_out=tuple(trial.left_out),
        lowest_gap=trial.lowest_gap,
        at_samples=trial.at_samples,
        of_structures=trial.structures,
        structure=str(trial.structure),
    )


def _together(comparisons: list[EmittedComparison]) -> EmittedComparison:
    """What came of all structures, each by itself: the numbers of the one that is furthest off."""
    worst = max(comparisons, key=lambda one: (not one.agrees, one.abs_error))
    return replace(
        worst,
        rows=sum(one.rows for one in comparisons),
        samples=sum(one.samples for one in comparisons),
        z_score=max((one.z_score for one in comparisons if one.z_score), key=abs, default=None),
        lowest_gap=min(one.lowest_gap for one in comparisons),
        structures=len(comparisons),
    )


def estimated(text: str, class_name: str, trial: Trial) -> Iterator[EstimateComparison]:
    """The means of the terms that the audit calls bounds, beside what they bound."""
    import torch

    if not trial.claims:
        return
    objective = _on_trial(text, class_name, trial)
    with torch.no_grad():
        estimates = [
            objective(_tensors(sample.batch), _tensors(sample.noise)) for sample in trial.samples
        ]
    for claim in trial.claims:
        values = [claim.weight * float(one.terms[claim.term]) for one in estimates]
        yield EstimateComparison(
            term=claim.term,
            relation=claim.relation,
            exact=claim.exact,
            mean=fmean(values),
            deviation=stdev(values) / math.sqrt(len(values)),
            structure=str(trial.structure),
        )


def _estimated_edges(compiled: Compiled) -> Iterator[Unverified]:
    """The masks whose probabilities have a gradient in expectation over structures alone."""
    names = [mask.name for mask in compiled.module.masks if mask.gradient != "straight_through"]
    if names:
        why = "it is that of the mean over structures, and not of the one that is drawn"
        yield Unverified(f"the gradient of the edges {', '.join(names)}", why)


def descended(
    compiled: Compiled, audit: Audit, text: str = "", directions: int = 5
) -> tuple[GradientComparison, ...] | Unverified:
    """The gradients of the emitted module's players beside differences; or why there are none.

    Args:
        compiled: The spec, and what its module is made of.
        audit: What is said of it.
        text: The module's own, unless another is to be held against the same audit.
        directions: How many random ones, of all parameters of a player together.
    """
    from graphdsl.codegen import render_module
    from graphdsl.trials.gradients import Descent, gradients_of
    from graphdsl.verify import synthetic_rows
    from graphdsl_runtime import ObjectiveError

    rows = synthetic_rows(audit)
    if isinstance(rows, str):
        return Unverified("the gradients", rows)
    module = compiled.module
    text = text or render_module(module, compiled.checked.model.constants)
    objective = _emitted(text, module.class_name)(networks=_networks(rows.networks))
    try:
        return gradients_of(Descent(module, smooth(objective), _tensors(rows.batch)), directions)
    except ObjectiveError as problem:
        return Unverified("the gradients", str(problem))


def smooth(objective: Objective) -> Objective:
    """The module in double precision, with random weights and without kinks in its networks."""
    import torch
    from torch import nn

    for part in list(objective.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.ReLU | nn.LeakyReLU):
                setattr(part, name, nn.SiLU())
    objective.double()
    objective.rows = _ROWS
    torch.default_generator.manual_seed(_SEED)
    with torch.no_grad():
        for parameter in objective.parameters():
            width = (
                parameter[0].numel() if parameter.ndim > 1 else 1
            )  # what a number of the next layer sums
            parameter.add_(_SPREAD / width**0.5 * torch.randn_like(parameter))
    return objective


def _on_trial(text: str, class_name: str, trial: Trial) -> Objective:
    """The emitted module with the networks and the parameters of a trial."""
    networks = _networks(trial.networks)
    objective = _emitted(text, class_name)(networks=networks, **trial.parameters).double()
    logits = _tensors(trial.logits)
    for mask in objective.edge_masks():
        mask.logits.data.copy_(logits[mask.name])
    return objective


def _emitted(text: str, class_name: str) -> type[Objective]:
    """The class of a text that was emitted."""
    module = _run(text, class_name)
    sys.modules[_NAME] = module  # what looks its own module up finds it
    emitted: type[Objective] = getattr(module, class_name)
    return emitted


@lru_cache(maxsize=4)
def _run(text: str, class_name: str) -> ModuleType:
    """A text that was emitted, run: once for all trials of one spec."""
    module = ModuleType(_NAME)
    sys.modules[_NAME] = module
    exec(compile(text, f"<{class_name}>", "exec"), module.__dict__)  # our own text
    return module


def _networks(affine: Mapping[str, Affine]) -> dict[str, nn.Module]:
    """Networks by their names, some of which may share one."""
    networks = {id(one): _network(one) for one in affine.values()}
    return {name: networks[id(one)] for name, one in affine.items()}


def _z_score(values: list[float], exact: float) -> float | None:
    """How many standard errors the mean is from its exact value; None where nothing varies."""
    spread = stdev(values) if values else 0.0
    if spread <= _STILL * max(1.0, abs(exact)):
        return None
    return (fmean(values) - exact) / (spread / math.sqrt(len(values)))


def _tensors(values: Mapping[str, object]) -> dict[str, Tensor]:
    import torch

    return {name: torch.as_tensor(one) for name, one in values.items()}


def _network(one: Affine) -> nn.Module:
    """An affine map of all parents side by side."""
    import torch
    from torch import nn

    class Map(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.as_tensor(one.weights))
            self.bias = nn.Parameter(torch.as_tensor(one.bias))

        def forward(self, *parents: Tensor) -> Tensor:
            if not parents:  # a marginal
                return self.bias.reshape(1, *one.shape)
            rows = len(parents[0])
            inputs = torch.cat([parent.reshape(rows, -1) for parent in parents], dim=1)
            return (inputs @ self.weights.T + self.bias).reshape(rows, *one.shape)

    return Map()
