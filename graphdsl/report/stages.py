"""What each stage made of a spec, for `compile --emit`."""

from __future__ import annotations

__all__ = ["show_collected", "show_graphs", "show_loss", "show_model"]

from collections.abc import Iterable, Iterator, Mapping

from graphdsl.catalog.laws import laws_of
from graphdsl.ir.graph import Dag, Independence
from graphdsl.ir.information import Collected, LocalEntropy, Term, entropy
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Conditional, Distribution, Family, Interval
from graphdsl.ir.notation import number_text, weight_text
from graphdsl.ir.objective import DivergenceOfMarginals
from graphdsl.ir.symbols import NetworkName, bar_text, names
from graphdsl.ir.weight import Weight
from graphdsl.report.terms import text_sum


def show_model(model: Model) -> str:
    """Every name and what it stands for."""
    lines = [f"model {model.name}"]
    lines += [f"const {name} = {number_text(value)}" for name, value in model.constants]
    for parameter in model.parameters:
        value, interval = number_text(parameter.value), _interval(parameter.range)
        lines.append(f"param {parameter.name} = {value} in {interval}")
    lines += [_family(family) for family in model.families]
    for network in (model.inference, model.generation):
        for conditional in network.conditionals if network else ():
            given = bar_text(conditional.parents)
            lines.append(
                f"{conditional.network}({', '.join(conditional.children)}{given})"
                f" by {conditional.by} via {conditional.via}"
                f"{_drawn(conditional)}"
            )
    return "\n".join(lines) + "\n"


def _drawn(conditional: Conditional) -> str:
    return "" if conditional.drawn is None else f" ~ {conditional.drawn.law}"


def show_graphs(independence: Independence, dags: Mapping[NetworkName, Dag]) -> str:
    """G^q with its data completed, and every network that is projected on."""
    lines = ["G^q, observed variables completed:"]
    lines += [
        f"  {', '.join(names(independence.parents(name))) or '.'} -> {name}"
        for name in independence.order
    ]
    for title, dag in dags.items():
        lines.append(f"{title}:")
        for place, node in enumerate(dag.nodes):
            parents = ", ".join(names(dag.parent_set(place))) or "."
            lines.append(f"  {parents} -> {', '.join(names(node))}")
    return "\n".join(lines) + "\n"


def show_collected(collected: Collected) -> str:
    """The objective with equal terms collected, before anything is bounded."""
    lines = ["cross-entropies of models, exact:"]
    for model in collected.models:
        atom = model.atom
        given = model.conditional.parents if model.conditional else ()
        given = given if atom.given is None else names(atom.given)
        lines.append(f"  {_factor(model.weight)}CE_{atom.network}({atom.node}{bar_text(given)})")
    lines += _section("entropies of encoders, exact:", collected.exact)
    lines += _section("entropies to be bounded:", collected.unbounded)
    lines += _section("entropies whose weights change their sign:", collected.uncertain)
    lines += _section("entropies of negative weight:", collected.intractable)
    if collected.estimated:
        lines.append("estimated:")
        lines += [f"  {text_sum((Term(weight, atom),))}" for weight, atom, _ in collected.estimated]
    if collected.importances:
        lines.append("bounded by several samples:")
        lines += [
            f"  {_factor(importance.weight)}KL({importance.divergence.under} || p), "
            f"{_brackets(importance.divergence)}"
            for importance in collected.importances
        ]
    lines.append("constants of the data:")
    lines += [f"  {text_sum((term,))}" for term in collected.constants]
    return "\n".join(lines) + "\n"


def show_loss(module: LossModule) -> str:
    """The lowered objective, term by term."""
    lines = [f"{module.class_name}: {module.relation} ({module.reason})"]
    for term in module.terms:
        lines.append(f"  {_factor(term.weight)}{term.name} = {term.formula}   [{term.relation}]")
    lines += [f"  network {name}" for slot in module.networks for name in slot.names]
    return "\n".join(lines) + "\n"


def _section(title: str, entropies: Iterable[LocalEntropy]) -> Iterator[str]:
    for place, one in enumerate(entropies):
        if place == 0:
            yield title
        yield f"  {text_sum((Term(one.weight, entropy((one.node,), one.given)),))}"


def _family(family: Family) -> str:
    members = ", ".join(f"1..{count}" for count in family.extents)
    members = f"[{members}]" if members else ""
    classes = "" if family.classes is None else f"({family.classes})"
    shape = f"[{', '.join(map(str, family.shape))}]" if family.shape else ""
    return f"{family.role} {family.name}{members} : {family.kind}{classes}{shape}{_law(family)}" + (
        " optional" if family.optional else ""
    )


def _law(family: Family) -> str:
    """What is drawn from, where it was declared."""
    distribution = family.distribution
    is_default = distribution == Distribution(next(iter(laws_of(family.kind).values())))
    if not family.prior or (family.role != "latent" and is_default):
        return ""
    return f" ~ {distribution}"


def _interval(interval: Interval) -> str:
    low = "-inf" if interval.low is None else number_text(interval.low)
    return f"{low}..{'inf' if interval.high is None else number_text(interval.high)}"


def _factor(weight: Weight) -> str:
    text = weight_text(weight)
    if text == "1":
        return ""
    return f"({text}) " if len(weight.terms) > 1 else f"{text} "


def _brackets(divergence: DivergenceOfMarginals) -> str:
    """What stands in the brackets of its method."""
    settings = (("k", divergence.samples), *divergence.settings)
    return ", ".join(f"{name} = {value}" for name, value in settings)
