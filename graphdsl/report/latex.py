"""An audit in LaTeX: a whole document, whose sections fit into an appendix."""

from __future__ import annotations

__all__ = ["audit_latex", "latex_text", "loss_latex"]

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from graphdsl.draw import TIKZ_PREAMBLE, drawable, sheet_of, tikz
from graphdsl.ir.audit import Audit
from graphdsl.ir.information import Term
from graphdsl.ir.loss import LossModule, LossTerm
from graphdsl.ir.model import Model
from graphdsl.ir.networks import Network
from graphdsl.ir.notation import latex_weight, number_text
from graphdsl.notation.folding import listed
from graphdsl.notation.formula import latex, parsed
from graphdsl.notation.gaps import gap_latex, lasting_gaps, tight_conditions
from graphdsl.notation.mathematics import summands, unicode_text
from graphdsl.notation.networks import network_title
from graphdsl.report.alike import Alike, alike, unlike
from graphdsl.report.collected import collected
from graphdsl.report.evidence import distribution_text, nats_text, side_text, uses_text
from graphdsl.report.loss_sum import loss_sums
from graphdsl.report.terms import latex_summands, text_sum
from graphdsl.report.wording import (
    alike_text,
    balance_text,
    lines_text,
    notes_of,
    range_text,
    relation_text,
    turns_text,
)

_WIDEST = 78  #: of a line of a formula, about: in letters of its text
_MOST_FIGURES = 8  #: networks that are drawn

_PREAMBLE = rf"""\documentclass[11pt]{{article}}
\usepackage[T1]{{fontenc}}
\usepackage[utf8]{{inputenc}}
\usepackage[margin=25mm]{{geometry}}
\usepackage{{amsmath,amssymb,graphicx}}
{TIKZ_PREAMBLE}
\allowdisplaybreaks
\setlength{{\parindent}}{{0pt}}
\setlength{{\parskip}}{{0.4em}}
\emergencystretch=3em
"""

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": r"{-}", "−": "$-$", "‖": r"$\|$",
    "∑": r"$\sum$", "𝔼": r"$\mathbb{E}$", "…": r"\dots{}", "→": r"$\to$", "\u0304": "",
}  # fmt: skip


def audit_latex(audit: Audit) -> str:
    """A document that pdflatex compiles: numbered equations, networks as TikZ."""
    body = [*_header(audit), *_objective(audit), *_networks(audit), *_terms(audit)]
    body += [*_projections(audit), *_constants(audit), *_proofs(audit), *_parameters(audit)]
    return "\n".join([_PREAMBLE, r"\begin{document}", *body, r"\end{document}"]) + "\n"


def loss_latex(module: LossModule) -> str:
    r"""The objective and the loss as one formula between `$$`, as notebooks typeset it.

    Objectives of several players have a line each, and so do the summands of the loss.
    """
    signs = {"equal": "=", "upper": r"\le", "lower": r"\ge"}
    sign = signs.get(module.relation, r"\approx")
    constants = r" + \text{constants}" if module.constants else ""
    sums = loss_sums(module)
    rows = [rf"\text{{objective}} &= {module.objective}"]
    if len(sums) == 1:
        rows.append(rf"\text{{objective}} &{sign} \text{{loss}}{constants}")
    for term in sums:
        first, *others = term.latex or ("0",)
        rows += [f"{term.name} &= {first}", *(rf"&\quad {each}" for each in others)]
    inner = " \\\\\n".join(rows)
    return f"$$\\begin{{aligned}}\n{inner}\n\\end{{aligned}}$$"


def latex_text(text: str) -> str:
    r"""Text as it stands: no sign of it is a command, and none is lost in silence.

    >>> print(latex_text("50% of x_1 & \\input{y}"))
    50\% of x\_\allowbreak{}1 \& \textbackslash{}input\{y\}
    """
    return "".join(map(_escaped, text))


def _escaped(letter: str) -> str:
    if letter in _ESCAPED:
        return _ESCAPED[letter]
    if " " <= letter <= "~":
        return letter
    if letter in "\n\t":
        return " "
    if "\u00c0" <= letter <= "\u017f" and unicodedata.category(letter).startswith("L"):
        return letter  # what T1 has
    return f"[U+{ord(letter):04X}]"


# ---- formulas ------------------------------------------------------------------------------------


def _display(left: str, pieces: Sequence[str], label: str = "") -> str:
    """A numbered equation, `left = pieces`, broken between its summands."""
    lines: list[list[str]] = [[]]
    width = len(unicode_text(parsed(left))) if left else 0
    for piece in pieces or ("0",):
        size = len(unicode_text(parsed(piece)))
        if lines[-1] and width + size > _WIDEST:
            lines.append([])
            width = 4
        lines[-1].append(piece)
        width += size
    joined = [" ".join(line) for line in lines]
    head = f"{left} &= {joined[0]}" if left else f"& {joined[0]}"
    rows = [head, *(rf"&\quad {line}" for line in joined[1:])]
    inner = " \\notag\\\\\n".join(rows)
    return f"\\begin{{align}}\n{inner}{label}\n\\end{{align}}"


def _sum(terms: Iterable[Term]) -> tuple[str, ...]:
    return latex_summands(terms) or ("0",)


def _pieces(formula: str) -> list[str]:
    """A sum in its summands, their spaces kept."""
    return [latex(summand) for summand in summands(parsed(formula), _WIDEST)]


# ---- sections ------------------------------------------------------------------------------------


def _header(audit: Audit) -> Iterator[str]:
    model = audit.model
    yield rf"\section*{{Audit of \texttt{{{latex_text(model.name)}}}}}"
    if model.title:
        yield latex_text(model.title) + "\n"
    values = "".join(
        f", with {latex_text(name)} = {number_text(value)}" for name, value in model.constants
    )
    yield (
        rf"Compiled from \texttt{{{latex_text(model.source_name)}}}{values}, SHA-256 "
        rf"\texttt{{{model.sha256[:16]}}}. All quantities are in nats. Here $q$ is the inference "
        r"network with the data's distribution, $p$ the generation network, $\bar{q}$ a "
        r"conditional of $q$'s joint distribution, $H$ an entropy, $I$ a mutual information, "
        r"$\mathrm{TC}$ a total correlation, and $D(q \,\|\, G)$ the least "
        r"$\mathrm{KL}(q \,\|\, r)$ over the distributions $r$ that factorise along $G$."
    )


def _objective(audit: Audit) -> Iterator[str]:
    module = audit.module
    yield r"\subsection*{Objective and loss}"
    yield "The objective, to be minimised, is"
    yield _display("", _pieces(module.objective), r"\label{objective}")
    terms = collected(audit)
    if terms:
        yield "in entropies, equal terms collected,"
        yield _display("", ("=", *_sum(terms)), r"\label{collected}")
    yield "and the loss"
    for place, loss_sum in enumerate(loss_sums(module)):
        yield _display(loss_sum.name, loss_sum.latex, r"\label{loss}" * (place == 0))
    yield latex_text(f"It is {relation_text(module)}: {module.reason}.")
    claim, checked = balance_text(audit)
    if claim:
        yield latex_text(f"{claim[:1].upper()}{claim[1:]}. {checked}")
    turns = turns_text(module)
    if turns:
        yield latex_text(f"Steps in a round: {turns}.")


def _networks(audit: Audit) -> Iterator[str]:
    model = audit.model
    yield r"\subsection*{Networks}"
    yield (
        "Shaded nodes are observed, open ones latent. A frame stands for all indices that it "
        "names, a dashed edge is learned, and a small square selects the expert of a mixture. "
        "Beside the network that is projected, blue edges are new and dotted ones are missing."
    )
    networks = unlike(drawable(model), alike(audit.projections, model))
    yield r"\par{\raggedright\setlength{\lineskip}{3mm}"
    for network in networks[:_MOST_FIGURES]:
        yield _figure(network, model)
    yield r"\par}"
    rest = [latex_text(str(network_title(network))) for network in networks[_MOST_FIGURES:]]
    if rest:
        yield f"Not drawn: {', '.join(rest)}."


def _figure(network: Network, model: Model) -> str:
    try:
        drawing = tikz(sheet_of([network], model))
    except ImportError:
        edges = [
            f"{listed(network.nodes[start])} -> {listed(network.nodes[end])}"
            for start, end in network.edges
        ]
        return latex_text(f"{network_title(network)}: {'; '.join(edges)}.")
    fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"
    return f"{fitted}{{\\raisebox{{-\\height}}{{%\n{drawing}}}}}\\qquad"


def _terms(audit: Audit) -> Iterator[str]:
    yield r"\subsection*{Terms}"
    for term in audit.module.terms:
        yield from _term(term)


def _term(term: LossTerm) -> Iterator[str]:
    asked = lines_text(term.lines)
    yield (
        rf"\paragraph{{\texttt{{{latex_text(term.name)}}}}} "
        + latex_text(f"({term.relation}{', ' + asked if asked else ''})")
        + (", which stands for" if term.bounds else " is")
    )
    yield _display("", _sum(term.stands_for))
    if term.bounds:
        gaps = ["+" * (place > 0) + gap for place, gap in enumerate(gap_latex(term))]
        yield "is bounded with the gap"
        yield _display(r"\mathrm{gap}", gaps)
        yield latex_text(f"which is zero when {'; '.join(tight_conditions(term))}.")
    lasting = (("This part stays open", gap) for gap in lasting_gaps(term))
    notes = ((label.capitalize(), text) for label, text in notes_of(term))
    yield from (latex_text(f"{label}: {text}.") + "\n" for label, text in (*lasting, *notes))


def _projections(audit: Audit) -> Iterator[str]:
    if audit.projections:
        yield r"\subsection*{Projections}"
    numbers = count(1)
    for group in alike(audit.projections, audit.model):
        yield from _projection(group, next(numbers))


def _projection(group: Alike, number: int) -> Iterator[str]:
    one = group.shown
    name = rf"\texttt{{{latex_text(str(network_title(one.network)))}}}"
    weight = f", with weight ${latex_weight(one.weight)}$" if one.weight else ""
    yield rf"\paragraph{{{number}. $D({one.under} \,\|\, G)$ for $G$ = {name}}}{weight}."
    yield "By definition (P1) and as multi-information (eq. 1),"
    yield _display("D", _sum(one.entropies))
    yield _display("", ("=", *_sum(one.multi_information)))
    for step in one.steps:
        yield latex_text(f"{step.rule[:1].upper()}{step.rule[1:]} ({step.because}):")
        yield _display("", ("=", *_sum(step.after)))
    yield "Together,"
    yield _display("D", _sum((*one.simplified, *one.constant)))
    others = alike_text(group.others)
    if others:
        yield latex_text(others)


def _constants(audit: Audit) -> Iterator[str]:
    if audit.module.constants:
        yield r"\subsection*{Constants of the data}"
        yield "The objective holds them and the loss drops them:"
        yield _display("", _sum(audit.module.constants))


def _proofs(audit: Audit) -> Iterator[str]:
    if audit.proofs:
        yield r"\subsection*{Assertions}"
    ranges = {parameter.name: parameter.range for parameter in audit.model.parameters}
    for proof in audit.proofs:
        yield (
            rf"\paragraph{{{proof.status}}} \texttt{{{latex_text(proof.assertion.text)}}}: "
            f"{latex_text(proof.because)}."
        )
        lines: list[str] = []
        if proof.certificate is not None:
            lines = [f"{side_text(proof)} =", *uses_text(proof.certificate, ranges)]
        elif proof.remainder:
            lines = [f"{side_text(proof)} = {text_sum(proof.nonnegative)}"]
        if proof.counterexample is not None:
            lines += [f"which is {nats_text(proof.counterexample)} nats under"]
            lines += distribution_text(proof.counterexample)
        for line in lines:
            yield rf"\\\texttt{{{latex_text(line)}}}"


def _parameters(audit: Audit) -> Iterator[str]:
    parameters = audit.model.parameters
    if not parameters:
        return
    yield r"\subsection*{Parameters}"
    yield r"\begin{tabular}{lll} name & value & range \\ \hline"
    for parameter in parameters:
        cells = (parameter.name, number_text(parameter.value), range_text(parameter.range))
        yield " & ".join(map(latex_text, cells)) + r" \\"
    yield r"\end{tabular}"
