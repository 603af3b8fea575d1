"""The page on the architecture: its picture is drawn from the annotations of the stages."""

from __future__ import annotations

__all__ = ["STAGES", "architecture_page", "picture"]

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from graphdsl.bound.bounds import pieces
from graphdsl.codegen import render_module
from graphdsl.collecting import collect
from graphdsl.declare.networks import model_network
from graphdsl.graphs import build_dag
from graphdsl.lower import lower
from graphdsl.program.names import named
from graphdsl.program.plan import make_plan
from graphdsl.resolve import resolve
from graphdsl.symbolic.expand import expand_objective
from graphdsl.syntax import parse

_ROOT = Path(__file__).parent.parent
_WIDTH, _HEIGHT, _GAP = 640, 46, 22


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the compiler: the function that does it, and why it is one of its own."""

    function: Callable[..., object]
    about: str

    @property
    def room(self) -> str:
        """The package of the function."""
        return self.function.__module__.split(".")[1]

    @property
    def takes(self) -> str:
        """The type of its first argument, as it is annotated."""
        parameters = list(inspect.signature(self.function).parameters.values())
        return _short(str(parameters[0].annotation))

    @property
    def gives(self) -> str:
        """The type of what it returns, as it is annotated."""
        return _short(str(inspect.signature(self.function).return_annotation))


STAGES = (
    Stage(parse, "Lark reads the text and recovers from mistakes, so that all are reported."),
    Stage(model_network, "Names become declared variables, indices are bound, lines become edges."),
    Stage(resolve, "The objective, its players, choices and assertions become data."),
    Stage(build_dag, "Each network becomes a DAG; d-separation is asked of it from here on."),
    Stage(expand_objective, "Functionals and M-projections become local entropies."),
    Stage(collect, "Equal entropies are added up, in a canonical form."),
    Stage(pieces, "Each entropy takes its bound: which model, which sign, which gap."),
    Stage(make_plan, "Passes of networks are put in order, each once; passes rewrite the program."),
    Stage(named, "Values get their Python names, last, from one table for each method."),
    Stage(lower, "The terms of the loss are complete; what cannot be trained is refused."),
    Stage(render_module, "A tree of Python is printed by one printer, and parsed again."),
)


def architecture_page() -> str:
    """The Markdown of the page."""
    rows = "\n".join(map(_row, STAGES))
    return f"""# Architecture

The compiler is a pipeline: each stage takes data from the one before. `graphdsl/compiler.py` knows
their order. The stages below are listed in the order in which they return; `resolve` calls the
one before it, and `lower` the three before it.

{picture()}

| package | function | takes | returns | why it is a stage |
| --- | --- | --- | --- | --- |
{rows}

Data that several stages exchange are defined in `graphdsl/ir/`: `Model` (the spec, resolved),
`Collected` (entropies), `Piece` (a bounded term), `Statement` and `Value` (the program),
`LossModule` (the emitted module before it is text), `Audit` (all that is known of a spec). Below
it, `graphdsl/catalog/` records what each word of the language means: a law, a prior, an estimator,
a network.

## Layers

Imports go down only. A package may import those below it; packages on one line do not know each
other. `make check` enforces this, and the library of each package:

```text
{_layers()}
```

The runtime, `graphdsl_runtime`, imports torch and nothing of the compiler. No stage of the compiler
imports either: only packages that use emitted modules do (`api`, `runs`, `trials` and `cli`),
inside functions.
"""


def _row(one: Stage) -> str:
    typed = f"`{one.function.__name__}` | `{one.takes}` | `{one.gives}`"
    return f"| `{one.room}` | {typed} | {one.about} |"


def picture() -> str:
    """The pipeline as SVG: a box for each stage, and the data that pass from one to the next."""
    height = len(STAGES) * (_HEIGHT + _GAP) + _GAP
    boxes = "".join(_box(stage, k) for k, stage in enumerate(STAGES))
    arrows = "".join(_arrow(k) for k in range(len(STAGES) - 1))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="The stages of the compiler" '
        f'font-family="sans-serif" font-size="13" style="max-width: {_WIDTH}px; width: 100%">'
        f"{boxes}{arrows}</svg>"
    )


def _box(stage: Stage, place: int) -> str:
    top = _GAP + place * (_HEIGHT + _GAP)
    room, gives = escape(f"{stage.room}.{stage.function.__name__}"), escape(stage.gives)
    return (
        f'<rect x="10" y="{top}" width="280" height="{_HEIGHT}" rx="6" fill="none" '
        'stroke="currentColor"/>'
        f'<text x="150" y="{top + 28}" text-anchor="middle" fill="currentColor">{room}</text>'
        f'<text x="310" y="{top + 28}" fill="currentColor">returns {gives}</text>'
    )


def _arrow(place: int) -> str:
    """From a stage to the next."""
    below = _GAP + place * (_HEIGHT + _GAP) + _HEIGHT
    line = f"M150 {below} V{below + _GAP - 4} m-4 -5 l4 5 l4 -5"
    return f'<path d="{line}" stroke="currentColor" fill="none"/>'


def _layers() -> str:
    """The layers of the import contract, top first."""
    text = (_ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r"^layers = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return "\n".join(_quoted(found[1]))


def _quoted(lines: str) -> Iterator[str]:
    return (one for one in re.findall(r'"([^"]+)"', lines))


def _short(annotation: str) -> str:
    """A type without the modules of its parts.

    >>> _short("tuple[ast.Spec, tuple[Diagnostic, ...]]")
    'tuple[Spec, tuple[Diagnostic, ...]]'
    """
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", annotation)
