"""One frozen view for each template: its fields are the template's holes, no more and no fewer."""

from __future__ import annotations

__all__ = ["HeaderView", "ModuleView", "NetworkView", "TermView"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderView:
    """`header.py.j2`: the docstring that the emitted file opens with."""

    title: str
    origin: str
    sha256: str
    objective: tuple[str, ...]
    loss: tuple[str, ...]
    relation: str
    gaps: tuple[str, ...]
    whose: str
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkView:
    """`network.py.j2`: an attribute that holds one network, or those of a family."""

    attribute: str
    method: str
    names: str
    arguments: tuple[str, ...]
    scale: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TermView:
    """`term.py.j2`: one term of the loss and its formula."""

    comment: tuple[str, ...]
    code: str
    then: str
    slope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """`loss_module.py.j2`: the whole file."""

    header: str
    imports: tuple[str, ...]
    class_name: str
    summary: str
    variables: tuple[str, ...]
    draws: tuple[str, ...]
    samples: int
    trained: tuple[str, ...]
    signature: tuple[str, ...]
    parameters: tuple[str, ...]
    networks: tuple[str, ...]
    buffers: tuple[str, ...]
    forward: tuple[str, ...]
    terms: tuple[str, ...]
    loss: tuple[str, ...]
    whole: str
    term_names: tuple[str, ...]
    players: tuple[str, ...]
    infer: tuple[str, ...]
    inferred: tuple[str, ...]
    decode: tuple[str, ...]
    decoded: tuple[str, ...]
    likelihoods: str
    posteriors: str
    ancestral: tuple[str, ...]
    drawn: tuple[str, ...]
