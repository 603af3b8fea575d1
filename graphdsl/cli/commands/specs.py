"""`graphdsl specs`: what ships."""

from __future__ import annotations

__all__ = ["TRAINED_ON", "command"]

from collections.abc import Mapping
from typing import Annotated

import typer

from graphdsl.cli.sources import shipped

#: The data that ship for specs that `digits` do not fit.
TRAINED_ON: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "bivcca",
            "jmvae",
            "jmvae_cross",
            "mmvae",
            "mvae",
            "structured_mm",
            "vcca",
            "vcca_private",
            "wyner",
        ),
        "digits-halves",
    ),
    **dict.fromkeys(
        (
            "fair_direct",
            "fair_mine",
            "fair_mmd",
            "fair_tc",
            "ffvae",
            "group_dro",
            "irm",
            "lmifr",
            "ood",
            "ood_invariant",
            "vfae",
            "vrex",
        ),
        "coloured-digits",
    ),
    "ivae": "sources",
    **dict.fromkeys(("scanvi", "scvi"), "cells"),
}


def command(
    train: Annotated[
        bool, typer.Option("--train", help="For each, a command that trains it on what ships.")
    ] = False,
) -> None:
    """List the specs that ship."""
    paths = shipped()
    if train:
        for path in paths:
            data = TRAINED_ON.get(path.stem, "digits")
            print(f"graphdsl train {path.stem} --data {data}")
        return
    width = max(len(path.stem) for path in paths)
    for path in paths:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        print(f"{path.stem:<{width}}  {first.lstrip('# ')}")
