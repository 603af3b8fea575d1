"""Several objectives side by side, as in the paper's Table 2: networks, objective, and loss."""

from __future__ import annotations

__all__ = [
    "TITLE",
    "UnifiedRow",
    "unified_html",
    "unified_latex",
    "unified_markdown",
    "unified_row",
    "unified_text",
]

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.notation.gaps import tight_conditions
from graphdsl.report.header import as_markdown, read_header
from graphdsl.report.lines import WIDEST, filled, laid, outer_summands
from graphdsl.report.loss_sum import loss_sums
from graphdsl.report.markdown import code_text, markdown_text
from graphdsl.report.tables import Cell, Document, Table, code, prose, tables_html, tables_latex

TITLE = "The unified table"
_SAID = (
    "Each objective as its spec states it, and the loss that is derived from it, in nats per row "
    "and up to constants of the data.",
    "The relation says how the loss stands to the objective; a bound has no slack when what stands "
    "under it holds.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedRow:
    """One model of the table."""

    name: str
    inference: tuple[str, ...]  #: the inference networks, each on one line
    generation: str  #: empty where there is none
    published: str  #: what its paper prints, as the comment at the top of the spec says it
    objective: str
    loss: tuple[str, ...]
    formulas: tuple[str, ...]  #: the same in LaTeX
    relation: str
    reason: str
    tight: tuple[str, ...]  #: when a bound has no slack; nothing of what is no bound

    @property
    def is_bound(self) -> bool:
        """Whether the loss is never below the objective."""
        return self.relation in ("equal", "upper")


def unified_row(name: str, model: Model, module: LossModule, text: str) -> UnifiedRow:
    """The row of a spec.

    Args:
        name: What the table calls it.
        model: The resolved spec.
        module: Its lowered objective.
        text: The text of the spec, whose words the objective keeps.
    """
    networks = (model.inference, *model.further)
    sums = loss_sums(module)
    return UnifiedRow(
        name=name,
        inference=tuple(_network(network) for network in networks if network.conditionals),
        generation="" if model.generation is None else _network(model.generation),
        published=read_header(text).published,
        objective=_objective(text) or "; ".join(map(" ".join, module.objective_text)),
        loss=_all_of((f"loss of {term.player} =", term.text) for term in sums),
        formulas=_all_of((f"{term.name} =", term.latex) for term in sums),
        relation=module.relation,
        reason=module.reason,
        tight=tuple(
            dict.fromkeys(filter(None, ("; ".join(tight_conditions(one)) for one in module.terms)))
        ),
    )


def unified_text(rows: Iterable[UnifiedRow], *, width: int = WIDEST) -> str:
    """A paragraph for each model."""
    blocks = []
    for row in rows:
        lines = [row.name]
        lines += [line for one in row.inference for line in _labelled("inference", one, width)]
        lines += _labelled("generation", row.generation or "none", width)
        lines += _labelled("published", row.published, width) if row.published else ()
        lines += laid("  objective   ", outer_summands(row.objective), 14, width)
        lines += laid("  loss        ", row.loss, 14, width)
        lines += _labelled("relation", f"{row.relation}: {row.reason}", width)
        if row.is_bound:
            lines += _labelled("tight when", "; ".join(row.tight) or "always", width)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def unified_markdown(rows: Iterable[UnifiedRow]) -> str:
    """A heading and a table of two columns for each model."""
    return "\n".join(map(_section, rows))


def unified_html(rows: Iterable[UnifiedRow]) -> str:
    """One table with a row for each model, as a page."""
    return tables_html(_document(tuple(rows)))


def unified_latex(rows: Iterable[UnifiedRow]) -> str:
    """One table with a row for each model, as a document."""
    return tables_latex(_document(tuple(rows)))


def _document(rows: Sequence[UnifiedRow]) -> Document:
    titles = ("model", "networks", "objective", "loss", "relation")
    widths = (0.1, 0.2, 0.22, 0.28, 0.2)
    table = Table("", titles, tuple(_cells(row) for row in rows), widths)
    return Document(TITLE, _SAID, (table,))


def _cells(row: UnifiedRow) -> tuple[Cell, ...]:
    tight = ("; ".join(row.tight) or "always") if row.is_bound else ""
    said = (f"{row.relation}: {row.reason}", f"tight when {tight}" if tight else "")
    return (
        code(row.name),
        code(*row.inference, row.generation),
        code(*outer_summands(row.objective)),
        Cell(row.loss, is_code=True, formulas=row.formulas),
        prose(*filter(None, said)),
    )


def _section(row: UnifiedRow) -> str:
    cells = {
        "inference": "<br>".join(map(_code, row.inference)) or "none",
        "generation": _code(row.generation) if row.generation else "none",
        "published": as_markdown(row.published),
        "objective": _code(row.objective),
        "loss": "<br>".join(map(_code, row.loss)),
        "relation": f"{row.relation}: {row.reason}",
        "tight when": "<br>".join(map(_code, row.tight)) or "always",
    }
    if not row.published:
        del cells["published"]
    if not row.is_bound:
        del cells["tight when"]
    lines = "".join(f"| {title} | {cell} |\n" for title, cell in cells.items())
    name = row.name if re.fullmatch(r"[\w./-]+", row.name) else markdown_text(row.name)
    return f"## {name}\n\n| | |\n| --- | --- |\n{lines}"


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    return filled(f"  {label:12}", text, 14, width)


def _network(network: Network) -> str:
    lines = tuple(
        f"{_short(conditional.parents)} -> {_short(conditional.children)}"
        if conditional.parents
        else _short(conditional.children)
        for conditional in network.conditionals
    )
    return f"{network.name}: {'; '.join(_ends(lines))}"


def _short(nodes: tuple[str, ...]) -> str:
    return ", ".join(_ends(nodes))


def _ends(words: tuple[str, ...]) -> tuple[str, ...]:
    """The first and the last of many."""
    return words if len(words) < 4 else (words[0], "...", words[-1])


def _objective(text: str) -> str:
    """What the spec minimises, and under which constraints, on one line."""
    plain = re.sub(r"#[^\n]*", "", text)
    match = re.search(r"^minimize\b.*?(?=^\s*$|^estimate\b|\Z)", plain, re.M | re.S)
    return " ".join(match.group().removeprefix("minimize").split()) if match else ""


def _all_of(sums: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """The summands of a loss; of several players, each behind whose it is."""
    listed = [*sums]
    if len(listed) == 1:
        return listed[0][1]
    return tuple(line for label, summands in listed for line in (label, *summands))


def _code(text: str) -> str:
    """Code in a cell, where a bar would end it."""
    return code_text(text).replace("|", "\\|")
