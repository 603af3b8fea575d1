"""Which of several processes this one is, before and while they are joined to a group."""

from __future__ import annotations

__all__ = ["is_first_process", "leave_group"]

import os
from collections.abc import Mapping

from torch import distributed


def is_first_process(environment: Mapping[str, str] | None = None) -> bool:
    """Say whether this process writes the run's folder: the only one, or the first of several.

    It reads what torchrun, SLURM and Lightning set; a process without any of it is the first.

    >>> is_first_process({}), is_first_process({"RANK": "0"}), is_first_process({"RANK": "3"})
    (True, True, False)
    >>> is_first_process({"LOCAL_RANK": "1"}), is_first_process({"NODE_RANK": "1"})
    (False, False)
    """
    known = os.environ if environment is None else environment
    if "RANK" in known:
        return known["RANK"] == "0"
    if "SLURM_PROCID" in known and int(known.get("SLURM_NTASKS", "1")) > 1:
        return known["SLURM_PROCID"] == "0"
    return known.get("NODE_RANK", "0") == "0" and known.get("LOCAL_RANK", "0") == "0"


def leave_group() -> None:
    """Leave the group of processes: what follows is for this one alone."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
