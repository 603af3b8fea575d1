"""Whether a checkpoint is of an objective: names, shapes and types, before anything is loaded.

An optimiser does not look itself: a fused step over a state of another shape reads and writes
memory that is not its own.
"""

from __future__ import annotations

__all__ = ["restore"]

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor

from graphdsl_runtime import Objective, ObjectiveError
from graphdsl_runtime.training.checkpoint import Checkpoint, OptimizerState
from graphdsl_runtime.training.errors import CannotResume
from graphdsl_runtime.training.optimizers import RULES, Rule

_STEPS = "step"


def restore(
    objective: Objective,
    checkpoint: Checkpoint,
    spec_hash: str,
    path: Path,
    rule: Rule = RULES["adam"],
) -> None:
    """Give an objective the weights of a checkpoint of its own, which this rule goes on from.

    Raises `CannotResume`, with the first difference, if another module, or a state of other names,
    shapes or types was saved; then the objective is as it was.
    """
    _check_module(checkpoint, objective, spec_hash, path)
    state = objective.state_dict()
    _check_tensors("the state", checkpoint.weights, state, path)
    _check_numbers(checkpoint, objective, path)
    _check_optimizers(checkpoint.optimizers, objective, path, rule)
    before = {name: tensor.clone() for name, tensor in state.items()}
    try:
        objective.load_state_dict(dict(checkpoint.weights))
        _check_module(checkpoint, objective, spec_hash, path)  # weights of the objective are state
    except (ObjectiveError, CannotResume) as problem:
        objective.load_state_dict(before)
        if isinstance(problem, CannotResume):
            raise
        raise CannotResume(path, str(problem)) from None


def _check_module(checkpoint: Checkpoint, objective: Objective, spec_hash: str, path: Path) -> None:
    if differs := _first_difference(checkpoint.module, repr(objective)):
        there, here = differs
        raise CannotResume(
            path,
            "another module was trained.\n"
            f"  in the checkpoint: {there}\n"
            f"  in this module:    {here}\n"
            "Take the spec, constants and parameters of that run, or train anew without it",
        )
    if spec_hash and checkpoint.spec_hash and spec_hash != checkpoint.spec_hash:
        raise CannotResume(
            path,
            "the spec has changed since.\n"
            f"  hash in the checkpoint: {checkpoint.spec_hash}\n"
            f"  hash of this module:    {spec_hash}\n"
            "Compile the spec of that run, or train anew without the checkpoint",
        )


def _check_tensors(
    what: str, there: Mapping[str, Tensor], here: Mapping[str, Tensor], path: Path
) -> None:
    for name in (*here, *there):
        if name not in there:
            raise CannotResume(path, f"{what} lacks `{name}`")
        if name not in here:
            raise CannotResume(path, f"{what} has `{name}`, which this module has not")
        if there[name].shape != here[name].shape or there[name].dtype != here[name].dtype:
            raise CannotResume(
                path, f"`{name}` is {_described(there[name])}; expected {_described(here[name])}"
            )


def _check_numbers(checkpoint: Checkpoint, objective: Objective, path: Path) -> None:
    for name, _ in objective.named_parameters(remove_duplicate=False):
        if not checkpoint.weights[name].isfinite().all():
            raise CannotResume(path, f"`{name}` is not finite")
    rows = checkpoint.weights.get("run.rows")
    if rows is not None and int(rows) != objective.rows:
        raise CannotResume(
            path,
            f"it was trained on {int(rows)} rows, and this data set has {objective.rows}: "
            "take the data of that run",
        )


def _check_optimizers(
    optimizers: Mapping[str, OptimizerState], objective: Objective, path: Path, rule: Rule
) -> None:
    _check_rule(optimizers, path, rule)
    names = {id(parameter): name for name, parameter in objective.named_parameters()}
    groups = {
        player: {
            names[id(parameter)]: parameter for parameter in parameters if parameter.requires_grad
        }
        for player, parameters in objective.parameter_groups().items()
    }
    for player, state in optimizers.items():
        if player not in groups:
            raise CannotResume(path, f"there is no player `{player}` in this module")
        for name, entries in state.items():
            if name not in groups[player]:
                raise CannotResume(path, f"`{player}` does not train `{name}` in this module")
            _check_entries(f"{player}/{name}", entries, groups[player][name], path, rule)


def _check_rule(optimizers: Mapping[str, OptimizerState], path: Path, rule: Rule) -> None:
    """Refuse the state of another rule, if it is that of one."""
    expected = {*rule.kept, *([_STEPS] if rule.counts else [])}
    kept = {entry for state in optimizers.values() for one in state.values() for entry in one}
    others = [name for name, one in RULES.items() if kept and kept >= {*one.kept} and one.kept]
    if kept and kept != expected and others:
        here = f"--optimizer {others[0]}" + (" --momentum" * ("momentum_buffer" in kept))
        raise CannotResume(
            path,
            f"another optimiser made its steps: it kept {_listed(kept)}; this one keeps "
            f"{_listed(expected)}. Go on with {here} as that run did, or train anew with --init",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"


def _check_entries(
    name: str, entries: Mapping[str, Tensor], parameter: Tensor, path: Path, rule: Rule
) -> None:
    steps = {_STEPS: torch.zeros((), dtype=torch.float32)} if rule.counts else {}
    expected = {**steps, **dict.fromkeys(rule.kept, parameter.detach())}
    _check_tensors(
        f"the optimiser's state of `{name}`",
        {f"{name}/{entry}": value for entry, value in entries.items()},
        {f"{name}/{entry}": value for entry, value in expected.items()},
        path,
    )
    if rule.counts:
        taken = entries[_STEPS]
        if not (taken.isfinite() and taken >= 1 and taken == taken.floor()):
            raise CannotResume(path, f"`{name}/{_STEPS}` is {taken.item()}, no number of steps")
    if not all(entries[entry].isfinite().all() for entry in rule.kept):
        raise CannotResume(path, f"the optimiser's state of `{name}` is not finite")
    for entry in rule.squares:
        if (entries[entry] < 0).any():
            raise CannotResume(path, f"`{name}/{entry}` is negative, which no square is")


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def _first_difference(one: str, other: str) -> tuple[str, str] | None:
    lines = zip_longest(one.splitlines(), other.splitlines(), fillvalue="(nothing)")
    return next(((a.strip(), b.strip()) for a, b in lines if a != b), None)
