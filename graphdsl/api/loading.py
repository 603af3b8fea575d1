"""From a saved model, or a run's folder, to an objective: the spec is compiled anew."""

from __future__ import annotations

__all__ = ["load"]

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from graphdsl.api.emitted import class_of
from graphdsl.api.numbers import exact_text
from graphdsl.api.sources import Spec, shipped, source_of
from graphdsl.diagnostics import Source, SpecError
from graphdsl_files import TooLarge, present, read_at_most

if TYPE_CHECKING:
    from torch import nn

    from graphdsl.compiler import GeneratedModule
    from graphdsl_runtime import Objective
    from graphdsl_runtime.saving import Saved

_OLDER = ".ckpt"  # the files of the first version
_LARGEST = 2**20  # bytes of a run.toml
_Values = Mapping[str, Fraction]
#: What a run's folder says of the class: hash, constants, parameters.
_Record = tuple[str, _Values | None, _Values | None]


def load(
    folder: str | os.PathLike[str],
    /,
    *,
    checkpoint: Literal["best", "last"] | None = None,
    spec: Spec | None = None,
    networks: Mapping[str, nn.Module] | None = None,
) -> Objective:
    """Load a trained objective, in eval mode, from a saved model or a run's folder.

    Of a run it takes ``best/``, else ``last/``, unless ``checkpoint`` says which. The spec in the
    folder is compiled anew, and no code that the folder holds is run. ``spec`` is for runs of older
    versions, which did not keep it; ``networks`` for a model with networks of the caller's own.
    Raises `CannotLoad`, an `ObjectiveError`, with what is damaged or differs.

    >>> from tempfile import TemporaryDirectory
    >>> import graphdsl
    >>> with TemporaryDirectory() as place:
    ...     graphdsl.compile("beta_vae", pixels=4).objective(beta=2.5).save(f"{place}/mine")
    ...     graphdsl.load(f"{place}/mine").beta
    2.5
    """
    from graphdsl_runtime.saving import read_saved, restore

    place = _place(Path(folder), checkpoint)
    if place.suffix == _OLDER and place.is_file():
        return _load_older(place, spec, networks)
    saved, parameters = _completed(read_saved(place))
    source = _source(place, saved.spec, saved.sha256, spec)
    objective = _made(saved, source, networks, parameters)
    restore(objective, saved)
    objective.data_record = saved.data
    return objective.eval()


def _place(folder: Path, checkpoint: str | None) -> Path:
    """Find the saved model that a folder is or holds, or the file of an older run."""
    from graphdsl_runtime.model_file import checkpoint_in, refuse

    if checkpoint not in (None, "best", "last"):
        raise ValueError(f'checkpoint is {checkpoint!r}; expected "best" or "last"')
    if (present(folder) / "model.json").is_file() or not folder.is_dir():
        return folder
    place = checkpoint_in(folder, (checkpoint,) if checkpoint else ("best", "last"))
    if place is not None:
        return place
    older = folder / f"last{_OLDER}"
    if older.is_file() and checkpoint != "best":
        return older
    wanted = f"no `{checkpoint}`" if checkpoint else "neither `model.json`, nor `best` or `last`"
    refuse(folder, f"it holds {wanted}: it is no saved model, and no run")


def _completed(saved: Saved) -> tuple[Saved, _Values]:
    """Add what a checkpoint of an older version leaves to the run's record: see `_made`."""
    if saved.constants is not None:
        return saved, {}
    _, constants, parameters = _record(saved.path)
    known = {name: str(value) for name, value in (constants or {}).items()}
    return replace(saved, constants=known), parameters or {}


def _record(checkpoint: Path) -> _Record:
    """Read ``run.toml`` beside a checkpoint: nothing where there is none, or not a whole one."""
    file = Path(os.path.realpath(checkpoint)).parent / "run.toml"
    try:
        record = tomllib.loads(read_at_most(file, _LARGEST).decode("utf-8"))
    except (OSError, TooLarge, ValueError, RecursionError):
        return "", None, None
    run = record.get("run")
    digest = run.get("spec_sha256") if isinstance(run, dict) else None
    return (
        digest if isinstance(digest, str) else "",
        _fractions(record.get("constants")),
        _fractions(record.get("parameters")),
    )


def _fractions(table: object) -> _Values | None:
    if not isinstance(table, dict):
        return None
    fractions = {name: exact_text(str(value)) for name, value in table.items()}
    return {name: value for name, value in fractions.items() if value is not None}


def _source(place: Path, text: str | None, digest: str, given: Spec | None) -> Source:
    """Find the spec of a checkpoint: in it, as given, or among those that ship."""
    from graphdsl_runtime.model_file import refuse

    if text is not None:
        source = Source("spec.mib", text)
    elif given is not None:
        source = source_of(given)
    else:
        same = [one for one in map(Source.read, shipped()) if one.sha256 == digest]
        if not same:
            refuse(place, "it does not hold its spec, as older runs do not: give it, spec=...")
        source = same[0]
    if digest and source.sha256 != digest:
        refuse(
            place,
            "it is of another spec.\n"
            f"  hash in the folder: {digest}\n"
            f"  hash of {source.name}: {source.sha256}",
        )
    return source


def _made(
    saved: Saved,
    source: Source,
    networks: Mapping[str, nn.Module] | None,
    parameters: _Values = MappingProxyType({}),
) -> Objective:
    """Make the objective that was saved, with weights of its own; random numbers stay as they are.

    ``parameters`` are those of the spec, by its names, where the folder has none by the class's.
    Raises `CannotLoad`.
    """
    import torch

    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.model_file import CannotLoad, refuse
    from graphdsl_runtime.saving import refuse_other_shapes

    if missing := {
        network: saved.networks[network]
        for network in saved.networks
        if network not in (networks or {})
    }:
        listed = ", ".join(f"`{name}` ({place})" for name, place in missing.items())
        refuse(
            saved.path,
            f"it has networks of its own: give them, networks={{...}}: {listed}; or, to a command, "
            "--networks MODULE:FUNCTION",
        )
    constants = {
        name: value
        for name, text in (saved.constants or {}).items()
        if (value := exact_text(text)) is not None
    }
    compiled = _compiled(saved.path, source, constants, parameters)
    emitted = class_of(compiled, source, f"graphdsl_loaded_{source.sha256[:16]}")
    try:
        if not networks and saved.weights:
            with suppress(NotImplementedError), torch.device("meta"):  # tables of subsets are read
                refuse_other_shapes(emitted(networks=None, **dict(saved.parameters or {})), saved)
        with torch.random.fork_rng(), torch.device("cpu"):
            return emitted(**dict(saved.parameters or {}), networks=networks)
    except CannotLoad:
        raise
    except ObjectiveError as problem:
        refuse(saved.path, str(problem))


def _compiled(
    path: Path, source: Source, constants: _Values, parameters: _Values
) -> GeneratedModule:
    from graphdsl.compiler import compile_spec
    from graphdsl_runtime.model_file import refuse

    try:
        return compile_spec(source, constants, parameters)
    except SpecError as problem:
        refuse(path, f"its spec does not compile: {problem}")


def _load_older(
    file: Path, spec: Spec | None, networks: Mapping[str, nn.Module] | None
) -> Objective:
    """Load a checkpoint file of the first version, which held neither spec nor constants."""
    from graphdsl_runtime.model_file import CannotLoad
    from graphdsl_runtime.saving import Saved, restore
    from graphdsl_runtime.training import TrainingError
    from graphdsl_runtime.training.older import load_older

    digest, constants, parameters = _record(file)
    source = _source(file, None, digest, spec)
    saved = Saved(
        path=file,
        spec=None,
        sha256=digest,
        constants={name: str(value) for name, value in (constants or {}).items()},
        parameters=None,
        networks={},
        module=(),
        data=None,
        weights={},
    )
    objective = _made(saved, source, networks, parameters or {})
    try:
        old = load_older(file, objective)
    except TrainingError as problem:
        raise CannotLoad(file, str(problem)) from None
    restore(objective, replace(saved, module=tuple(old.module.splitlines()), weights=old.weights))
    return objective.eval()
