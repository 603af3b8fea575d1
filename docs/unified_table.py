"""`docs/unified-table.md`: the paper's Table 2, derived from the specs that ship.

`make golden` writes it, and a test holds it against what the specs say.
"""

from __future__ import annotations

__all__ = ["unified_table"]

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from graphdsl.compiler import Compiled, check_spec, derive
from graphdsl.diagnostics import Source
from graphdsl.ir.loss import LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.notation import weight_text
from graphdsl.ir.weight import ONE
from graphdsl.report.header import as_markdown, read_header

_HEAD = """\
# The unified table

Table 2 of the paper, derived from the specs that ship: each objective as its spec states it, and
the loss that the compiler derives from it, in nats per row and up to constants of the data. The
relation says how the loss stands to the objective, and the last line when a bound has no slack.
"""

_PRINTED = """\
## As printed in the paper

What the paper prints of each model, for Table 2 as [weight, C] of distribution consistency and
[weight, G] of structural regularization, and what differs here, as the specs say it. The full table
is in an appendix that this project could not see.
"""


def unified_table(specs: Iterable[Path]) -> str:
    """The page, for some specs in their order."""
    compiled = {path.stem: (path, derive(check_spec(Source.read(path)))) for path in specs}
    parts = [_HEAD, *(_section(name, *one) for name, one in compiled.items())]
    rows = ["| model | as printed | what differs |", "| --- | --- | --- |"]
    for name, (path, _) in compiled.items():
        header = read_header(path.read_text(encoding="utf-8"))
        cells = as_markdown(header.printed), as_markdown(header.here) or "nothing"
        rows.append(f"| [{name}](models/{name}.md) | {' | '.join(cells)} |")
    return "\n".join([*parts, _PRINTED, *rows]) + "\n"


def _section(name: str, path: Path, compiled: Compiled) -> str:
    model, module = compiled.checked.model, compiled.module
    cells = {
        "inference": _all(_network(one) for one in _inferences(model)),
        "generation": "none" if model.generation is None else _code(_network(model.generation)),
        "published": as_markdown(read_header(path.read_text(encoding="utf-8")).published),
        "objective": _code(_objective(path.read_text(encoding="utf-8"))),
        "loss": "<br>".join(_code(_term(term, k)) for k, term in enumerate(module.terms)),
        "relation": f"{module.relation}: {module.reason}",
        "tight when": "<br>".join(_conditions(module.terms)) or "always",
    }
    if module.relation not in ("equal", "upper"):
        del cells["tight when"]
    rows = "".join(f"| {title} | {cell} |\n" for title, cell in cells.items())
    return f"## {name}\n\n| | |\n| --- | --- |\n{rows}"


def _inferences(model: Model) -> tuple[Network, ...]:
    everyone = (model.inference, *model.further)
    return tuple(one for one in everyone if one.conditionals)


def _network(network: Network) -> str:
    lines = tuple(
        f"{_short(one.parents)} -> {_short(one.children)}" if one.parents else _short(one.children)
        for one in network.conditionals
    )
    return f"{network.name}: {'; '.join(_ends(lines))}"


def _short(nodes: tuple[str, ...]) -> str:
    return ", ".join(_ends(nodes))


def _ends(several: tuple[str, ...]) -> tuple[str, ...]:
    """The first and the last of many."""
    return several if len(several) < 4 else (several[0], "...", several[-1])


def _objective(text: str) -> str:
    """What the spec minimises, and under which constraints, on one line."""
    plain = re.sub(r"#[^\n]*", "", text)
    found = re.search(r"^minimize\b.*?(?=^\s*$|^estimate\b|\Z)", plain, re.M | re.S)
    return " ".join(found.group().removeprefix("minimize").split()) if found else ""


def _term(term: LossTerm, place: int) -> str:
    factor = "" if term.weight == ONE else weight_text(term.weight)
    factor = f"({factor}) " if len(term.weight.terms) > 1 else (f"{factor} " if factor else "")
    return f"{'+ ' if place else ''}{factor}{term.formula}"


def _conditions(terms: Iterable[LossTerm]) -> Iterator[str]:
    """When the gaps close, each condition once."""
    conditions = dict.fromkeys(term.tight_when for term in terms if term.tight_when)
    yield from map(_code, conditions)


def _all(texts: Iterable[str]) -> str:
    return "<br>".join(map(_code, texts)) or "none"


def _code(text: str) -> str:
    """Code in a cell, where a bar would end it."""
    return "`" + text.replace("|", "\\|") + "`"
