"""Gradients of emitted modules, with networks that are small: the law is of what joins them."""

from __future__ import annotations

__all__ = ["derived", "disagreements", "emitted_small", "names_of_networks", "with_small_networks"]

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from graphdsl.codegen import render_module
from graphdsl.compiler import Compiled, read
from graphdsl.ir.loss import NetworkSlot
from graphdsl.ir.verification import Unverified, Verification
from graphdsl.trials.verifying import descended
from tests.corpus import Case, compiled

_WIDTH = 6


def derived(case: Case) -> Compiled | None:
    """A spec's module with small networks; nothing where the spec is refused."""
    found = compiled(case.without_assertions())
    return None if found is None else with_small_networks(found.compiled)


def with_small_networks(made: Compiled) -> Compiled:
    """The same, with hidden layers of a few units: what is verified depends on no width."""
    module = replace(made.module, networks=tuple(map(_small, made.module.networks)))
    return replace(made, module=module)


def disagreements(made: Compiled, text: str = "", directions: int = 5) -> tuple[str, ...]:
    """What is wrong with the gradients of a module; with other text, those of that."""
    found = descended(made, read(made), text, directions)
    assert not isinstance(found, Unverified), found.why
    assert all(one.slopes for one in found)
    return Verification(discrete=None, gaussian=None, gradients=found).wrong


def emitted_small(made: Compiled, *changes: Callable[[str], str]) -> str:
    """The text of a module, changed; each change has to change something."""
    text = render_module(made.module, made.checked.model.constants)
    for change in changes:
        before, text = text, change(text)
        assert text != before
    return text


def names_of_networks(made: Compiled) -> Counter[str]:
    """How many networks have each of the names by which a user may pass another."""
    return Counter(name for one in made.module.networks for name in dict.fromkeys(one.names))


def _small(slot: NetworkSlot) -> NetworkSlot:
    if slot.builder.name in ("mixture_model", "pseudo_inputs"):
        return slot  # its number is that of components
    hidden = tuple(_WIDTH for _ in slot.builder.hidden)
    return replace(slot, builder=replace(slot.builder, hidden=hidden))
