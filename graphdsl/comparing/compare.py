"""The order of a comparison: names, networks, objectives, losses, and what all of it says."""

from __future__ import annotations

__all__ = ["Side", "compare", "same_objective"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from graphdsl.comparing.losses import losses
from graphdsl.comparing.structure import is_one_graph, structure
from graphdsl.comparing.substitution import at_values, value_of
from graphdsl.compiler import Checked, canonical_forms, check_parsed, derive
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.comparison import Comparison, Sameness, Section, Unequal
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.notation import factor_text, number_text

Values = Mapping[str, Fraction]
_NOWHERE = Source("", "")  #: of specs that are compiled already


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two specs, with the values that its constants and parameters are given."""

    name: str  #: of its file, as the user gave it
    source: Source
    checked: Checked
    constants: Values
    parameters: Values  #: these are numbers from here on; the others stay free

    @cached_property
    def model(self) -> Model:
        """The spec at its values."""
        return at_values(self.checked.model, self.parameters)

    @cached_property
    def loss(self) -> LossModule:
        """What is emitted for it, which raises `SpecError` where something cannot be bounded."""
        return derive(replace(self.checked, model=self.model), keep_refuted=True).module


def compare(left: Side, right: Side) -> Comparison:
    """Compare two specs, under other names where their own do not fit.

    The objectives are the same if their difference is nothing in canonical form, up to constants of
    the data. They are different if something is left: canonical entropies are linearly independent.

    Raises:
        SpecError: If one of them cannot be bounded or estimated.
    """
    found: tuple[Side, dict[str, str], tuple[Unequal, ...]] | None = None
    for candidate, names in _candidates(left, right):
        if is_one_graph(left.model, candidate.model):
            unequal = _objectives(left, candidate)
            if found is None or _sameness(unequal) == "same":
                found = candidate, names, unequal
            if _sameness(unequal) == "same":
                break
    right, names, unequal = found or (right, {}, ())
    sections = (*structure(left.model, right.model), *losses(left.loss, right.loss))
    sections = tuple(section for section in sections if section.changes)
    sameness = _sameness(unequal)
    return Comparison(
        names=(left.name, right.name),
        renamed=tuple(sorted((new, old) for old, new in names.items() if old != new)),
        sameness=sameness,
        sentences=tuple(_sentences(sameness, unequal, sections, left.model)),
        objectives=unequal,
        sections=sections,
    )


def same_objective(before: Checked, after: Checked) -> bool:
    """Whether one objective is the other for all distributions, names as they are.

    Inference networks that only one spec has are no matter where its objective does not use them.
    """
    shared = {network.name for network in before.model.further}
    kept = tuple(network for network in after.model.further if network.name in shared)
    if not is_one_graph(before.model, replace(after.model, further=kept)):
        return False
    left, right = (
        Side(name="", source=_NOWHERE, checked=one, constants={}, parameters={})
        for one in (before, after)
    )
    return _sameness(_objectives(left, right)) == "same"


def _candidates(left: Side, right: Side) -> Iterator[tuple[Side, dict[str, str]]]:
    """The right spec by its own names, and by those of the left that things are matched with."""
    from graphdsl.graphs import renaming

    yield right, {}
    tried: list[dict[str, str]] = []
    for objective in (True, False):
        names = renaming(left.model, right.model, objective=objective)
        if names is None or names in tried or all(old == new for old, new in names.items()):
            continue
        tried.append(names)
        try:
            yield _renamed(right, names), names
        except SpecError:
            continue  # such a name has another meaning there


def _renamed(side: Side, names: Mapping[str, str]) -> Side:
    from graphdsl.syntax import renamed

    spec, every = renamed(side.checked.spec, names)
    constants = {every.get(name, name): value for name, value in side.constants.items()}
    parameters = {every.get(name, name): value for name, value in side.parameters.items()}
    checked = check_parsed(spec, (), side.source, constants, parameters)
    return replace(side, checked=checked, constants=constants, parameters=parameters)


def _objectives(left: Side, right: Side) -> tuple[Unequal, ...]:
    """The objective of each player, or the one that there is."""
    from graphdsl.symbolic import difference

    canons = canonical_forms(left.checked)
    here, there = (
        {one.name: one.objective for one in side.model.players} or {"": side.model.objective}
        for side in (left, right)
    )
    return tuple(
        difference(
            (replace(left.model, objective=here.get(player, ()), players=()), left.checked.dags),
            (replace(right.model, objective=there.get(player, ()), players=()), right.checked.dags),
            canons,
            player,
        )
        for player in {**here, **there}
    )


def _sameness(unequal: tuple[Unequal, ...]) -> Sameness:
    if not unequal:
        return "apart"
    if any(not one.constant for each in unequal if not each.doubt for one in each.rest):
        return "different"
    return "unknown" if any(each.doubt for each in unequal) else "same"


def _sentences(
    sameness: Sameness, unequal: tuple[Unequal, ...], sections: tuple[Section, ...], model: Model
) -> Iterator[str]:
    trains = any(section.trains for section in sections)
    if sameness == "apart":
        yield (
            "Their networks differ, so that their objectives are of different distributions, and "
            "are not compared."
        )
    elif sameness == "unknown":
        doubts = "; ".join(dict.fromkeys(one.doubt for one in unequal if one.doubt))
        yield f"It is not known whether their objectives are the same: {doubts}."
    elif sameness == "different":
        yield (
            "Their objectives differ: in canonical form something is left of their difference, "
            "and its entropies are linearly independent over all distributions that follow G^q."
        )
        yield from _at_defaults(unequal, model)
    else:
        yield (
            "Their objectives are the same; what differs is listed."
            if trains
            else "They mean the same."
        )
        yield (
            "Proof: each functional is a sum of entropies. Under the independences of G^q both "
            f"sums have one canonical form{_up_to(unequal)}."
        )


def _up_to(unequal: tuple[Unequal, ...]) -> str:
    left = [f"{factor_text(one.weight)}{one.quantity}" for each in unequal for one in each.rest]
    return f", up to a constant of the data: {' + '.join(left)}" if left else ""


def _at_defaults(unequal: tuple[Unequal, ...], model: Model) -> Iterator[str]:
    """Whether nothing is left at the values that parameters have."""
    values = {
        parameter.name: parameter.value
        for parameter in model.parameters
        if parameter.schedule is None
    }
    rest = [one for each in unequal for one in each.rest if not one.constant]
    used = sorted({name for one in rest for name in one.weight.parameters})
    if used and values.keys() >= {*used} and not any(value_of(w.weight, values) for w in rest):
        at = ", ".join(f"{name} = {number_text(values[name])}" for name in used)
        yield f"At {at} they are equal."
