"""The page: every claim of the paper that a spec of this folder holds, with what is true of it."""

from __future__ import annotations

__all__ = ["paper_audit"]

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import fill

from docs.paper_audit.claims import Claim, claims_of, difference_of
from docs.paper_audit.numbers import NUMBERS
from graphdsl.compiler import Checked, canonical_forms, check_spec
from graphdsl.diagnostics import Source
from graphdsl.graphs import topological_orders
from graphdsl.ir.information import ProjectionDerivation
from graphdsl.report.terms import text_sum
from graphdsl.symbolic import derive_projection

FOLDER = Path(__file__).parent

_HEAD = """\
# The paper, audited

This page lists the claims of Tables 1 and 2 and of the equations of Zhang, Koyama and Ishiguro
(ICML 2020), and whether they hold. Each section is a small spec. The compiler decides its
assertions, and its objective, which is the printed objective minus another one. The numbers are
computed when this page is made, on discrete distributions that follow the networks. A refuted claim
comes with a distribution that violates it. The figures, which draw the regularizer networks, and
the appendix could not be seen: a network that the text does not give is a reconstruction, and its
section says so.

"""

#: Other objectives for a spec: what they have, what of the spec is replaced, and by what.
_VARIANTS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "06_beta_vae_factored": [
        (
            "with C_3 of each factor's own marginal",
            {"KL(q(u) || p(u))": "sum(j in 1..2) KL(q(u[j]) || p(u[j]))"},
        )
    ],
    "07_beta_tcvae": [
        ("with the weight beta - 1", {"beta * D(q || G(p))": "(beta - 1) * D(q || G(p))"})
    ],
    "08_jmvae": [
        ("as an upper bound", {"# equal": "# below"}),
        (
            "as an upper bound, with the other network",
            {"# equal": "# below", "D(q || cross(i, j))": "D(q || tells(i, j))"},
        ),
    ],
    "11_ours_mm": [
        (
            "with the constants",
            {"- KL(q || p)": "+ sum(i in 1..3) I(x[i]; x[not i]) - H(x) - KL(q || p)"},
        ),
        (
            "for one bipartition with weight 1 and discrete data",
            {"- sum(i in 1..3) D(q || cross(i))": "- D(q || cross(1))"},
        ),
        (
            "for one bipartition with weight 1 and real data",
            {"- sum(i in 1..3) D(q || cross(i))": "- D(q || cross(1))", "binary": "real"},
        ),
    ],
    "17_eq17": [
        (
            "with KL(q(u|x) || p(u)) on the right side",
            {"- KL(q || p)": "+ KL(q(u | x) || p(u)) - KL(q || p)"},
        )
    ],
}


def paper_audit() -> str:
    """The page as Markdown."""
    sections = {path.stem: path.read_text(encoding="utf-8") for path in specs()}
    decided = {name: _claims(name, text) for name, text in sections.items()}
    rows = ["| | claim | verdict |", "| --- | --- | --- |"]
    for name, claims in decided.items():
        title = _title(sections[name])
        rows += [
            f"| {title} | {_cell(one.says)} | {one.verdict} |"
            for one in claims
            if one.kind != "instead"
        ]
    parts = [f"{_HEAD}{chr(10).join(rows)}"]
    parts += [_section(name, text, decided[name]) for name, text in sections.items()]
    return "\n\n".join(parts) + "\n"


def specs() -> list[Path]:
    """The specs, in the order of the page."""
    return sorted(FOLDER.glob("*.mib"))


def _claims(name: str, text: str) -> tuple[Claim, ...]:
    found = list(claims_of(text))
    for what, changes in _VARIANTS.get(name, []):
        found += (
            replace(one, kind="instead", says=f"{one.says}, {what}", formula=_changed(changes))
            for one in difference_of(_replaced(text, changes))
        )
    if name in NUMBERS:
        found += NUMBERS[name](check_spec(Source("paper.mib", text)))
    return tuple(found)


def _replaced(text: str, changes: dict[str, str]) -> str:
    """A spec with another objective."""
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"there is no {old} to replace")
        text = text.replace(old, new)
    return text


def _changed(changes: dict[str, str]) -> str:
    """What was replaced, where it is not only what is claimed."""
    parts = [f"`{new}` for `{old}`" for old, new in changes.items() if not old.startswith("#")]
    return ", ".join(parts)


def _section(name: str, text: str, claims: tuple[Claim, ...]) -> str:
    header, _, body = text.partition("\nmodel ")
    _, *prose = [line.removeprefix("# ") for line in header.splitlines()]
    spec = re.sub(r" *# (printed|instead|equal|below|above|bound)\b.*", "", f"model {body}").strip()
    said = fill(" ".join(prose), width=100, break_long_words=False)
    lines = [f"## {_title(text)}", "", said, "", "```mib", spec, "```"]
    derived = [*_derivations(check_spec(Source("paper.mib", text)))]
    if derived:
        lines += ["", "```text", *derived, "```"]
    lines += ["", *(line for one in claims for line in _claim(one))]
    return "\n".join(lines).rstrip()


def _title(text: str) -> str:
    return text.splitlines()[0].removeprefix("# ")


def _claim(one: Claim) -> Iterator[str]:
    formula = one.formula if not one.formula or "`" in one.formula else f"`{one.formula}`"
    about = "Instead: " if one.kind == "instead" else ""
    yield f"- **{one.verdict.capitalize()}.** {about}{one.says}{': ' * bool(formula)}{formula}"
    for line in one.evidence:
        yield f"    - {line}"


def _cell(text: str) -> str:
    """Text in a table, where a bar would end the cell."""
    return text.replace("|", "\\|")


def _derivations(checked: Checked) -> Iterator[str]:
    """Each D(q || G) that the spec names, by its terms, and the steps that lead there."""
    canons = canonical_forms(checked)
    for one in checked.model.projections:
        canon = canons[one.under].within(frozenset(one.network.variables))
        orders = topological_orders(one.network, checked.model)
        found = derive_projection(one.network, orders, one.weight, canon)
        yield f"D({one.under} || {one.network.name})"
        yield f"  = {text_sum(found.entropies)}"
        yield from _steps(found)


def _steps(found: ProjectionDerivation) -> Iterator[str]:
    for step in found.steps[1:]:
        license = f"{step.rule}: {step.because}"
        yield f"    {text_sum(step.before)} = {text_sum(step.after)}   ({license})"
    yield f"  = {text_sum((*found.simplified, *found.constant))}"
