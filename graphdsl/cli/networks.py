"""`--networks MODULE:FUNCTION`: networks of the user's own, for a command line."""

from __future__ import annotations

__all__ = ["NETWORKS_HELP", "NETWORKS_METAVAR", "OwnNetworks", "networks_of"]

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from graphdsl.cli.console import fail
from graphdsl_files import shown

if TYPE_CHECKING:
    from torch import nn

NETWORKS_METAVAR = "MODULE:FUNCTION"
NETWORKS_HELP = "A function of yours that returns networks by the names of conditionals. Runs code."
OwnNetworks = Annotated[
    str | None, typer.Option("--networks", metavar=NETWORKS_METAVAR, help=NETWORKS_HELP)
]


def networks_of(source: str | None) -> Mapping[str, nn.Module] | None:
    """Give the networks that the function returns; stops with a line where it returns others.

    The function takes nothing, and returns ``{"p(x|z)": module, ...}``.
    """
    if source is None:
        return None
    from torch import nn

    from graphdsl_runtime.calling import CannotCall, call_named

    try:
        networks = call_named(source)
    except CannotCall as problem:
        fail(f"graphdsl: --networks {shown(str(problem))}")
    wanted = 'a dict from names to modules: {"p(x|z)": torch.nn.Sequential(...)}'
    if not isinstance(networks, Mapping) or not networks:
        kind = "an empty dict" if networks == {} else type(networks).__name__
        fail(f"graphdsl: --networks {shown(source)} returned {kind}; expected {wanted}")
    for name, network in networks.items():
        if not isinstance(name, str) or not isinstance(network, nn.Module):
            fail(
                f"graphdsl: --networks {shown(source)} returned {type(network).__name__} under "
                f"{shown(repr(name))}; expected {wanted}"
            )
    return networks
