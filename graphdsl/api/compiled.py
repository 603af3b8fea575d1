"""From a spec to its code, its class, and its audit, in one call."""

from __future__ import annotations

__all__ = ["AuditView", "Compiled", "check", "compile"]

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from graphdsl.api.emitted import class_of
from graphdsl.api.numbers import Number, WrongValue, exact
from graphdsl.api.sources import Spec, source_of
from graphdsl.compiler import GeneratedModule, check_spec, compile_spec, read
from graphdsl.diagnostics import Diagnostic, Source, SpecError, nearest

if TYPE_CHECKING:
    from graphdsl.ir.audit import Audit
    from graphdsl.ir.loss import LossModule
    from graphdsl_runtime import Networks, Objective

    class EmittedObjective(Objective):
        """An emitted class, for those who check types: its parameters are the spec's."""

        def __init__(self, *, networks: Networks | None = None, **parameters: float) -> None: ...


@dataclass(frozen=True)
class AuditView:
    """An audit, to be shown in the dress that one likes."""

    audit: Audit
    source: Source
    code: str  #: the emitted module, which the page shows beside its terms

    def to_text(self) -> str:
        """Write it as `graphdsl audit` prints it."""
        from graphdsl.report import audit_text

        return audit_text(self.audit)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, after the schema graphdsl.audit/1."""
        from graphdsl.report import audit_json

        audit: dict[str, Any] = json.loads(audit_json(self.audit))
        return audit

    def to_html(self) -> str:
        """Write it as a page of its own, which needs no network."""
        from graphdsl.report import audit_html

        return audit_html(self.audit, self.source, self.code)

    def to_latex(self) -> str:
        """Write it as a document for pdflatex, with numbered equations."""
        from graphdsl.report import audit_latex

        return audit_latex(self.audit)

    def to_markdown(self) -> str:
        """Write it for a README."""
        from graphdsl.report import audit_markdown

        return audit_markdown(self.audit)

    def _repr_html_(self) -> str:
        """Show it in a notebook: the page in a frame, which keeps its styles to itself."""
        page = html.escape(self.to_html(), quote=True)
        style = "width: 100%; height: 40em; border: 0"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{page}"></iframe>'

    def _repr_latex_(self) -> str:
        """Show the loss where formulas are typeset and pages are not shown."""
        return _latex(self.audit.module)

    def __str__(self) -> str:
        return self.to_text()


@dataclass(frozen=True, repr=False)
class Compiled:
    """A compiled spec: its code, its class and its audit, each made when it is asked for.

    >>> vae = compile("vae", pixels=16)
    >>> vae.objective().variables[0].shape
    (16,)
    >>> vae.audit.to_dict()["model"]
    'vae'
    """

    source: Source
    module: GeneratedModule

    @property
    def code(self) -> str:
        """The emitted Python text, as `graphdsl compile` writes it."""
        return self.module.text

    @cached_property
    def objective(self) -> type[EmittedObjective]:
        """The class that the text defines, made in memory; it knows its spec, so it can be saved.

        Parameters of the spec are keywords of its constructor: ``.objective(beta=4)``.
        """
        digest = hashlib.sha256(self.code.encode("utf-8")).hexdigest()
        emitted = class_of(self.module, self.source, f"graphdsl_emitted_{digest[:16]}")
        return cast("type[EmittedObjective]", emitted)

    @cached_property
    def audit(self) -> AuditView:
        """The derivation of the loss: bounds, gaps, constants and proofs."""
        return AuditView(read(self.module.compiled), self.source, self.code)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The warnings."""
        return self.module.compiled.warnings

    def _repr_latex_(self) -> str:
        r"""Show a notebook what is minimised, and the loss that stands for it.

        >>> print(compile("vae")._repr_latex_().splitlines()[1].strip())
        \text{objective} &= \mathrm{KL}(q \,\|\, p) \\
        """
        return _latex(self.module.compiled.module)

    def __repr__(self) -> str:
        model = self.module.compiled.checked.model
        values = "".join(f", {name}={value}" for name, value in model.constants)
        return f"<compiled {model.name}{values}: {self.module.class_name}>"


def _latex(module: LossModule) -> str:
    from graphdsl.report import loss_latex

    return loss_latex(module)


def compile(spec: Spec, /, **constants: Number) -> Compiled:
    """Compile a spec: a path, its text, a `Source`, or the name of a spec that ships.

    ``constants`` replace values of the spec's `const` lines. A number may be an int, a float, a
    Fraction or a text; a float is the decimal that Python writes it as.
    Raises `SpecError`, with every mistake that could be found, `WrongValue` for a constant that
    the spec lacks or no number, and `FileNotFoundError`.

    >>> compile("mvae", views=3)
    <compiled mvae, views=3, pixels=32: Mvae>
    >>> compile("vae", pixel=16)
    Traceback (most recent call last):
    graphdsl.api.numbers.WrongValue: vae.mib declares no constant `pixel`; did you mean `pixels`?
    """
    source = source_of(spec)
    return Compiled(source, compile_spec(source, constants_of(source, constants)))


def check(spec: Spec, /, **constants: Number) -> tuple[Diagnostic, ...]:
    r"""Give the mistakes and the warnings of a spec: nothing if all of it is right.

    Raises `WrongValue` and `FileNotFoundError`, as `compile` does.

    >>> check("vae")
    ()
    >>> print(*(one.code for one in check("model m\nobserved x : real\n")))
    MIB210 MIB210
    """
    source = source_of(spec)
    values = constants_of(source, constants)
    try:
        from graphdsl.compiler import derive

        return derive(check_spec(source, values)).warnings
    except SpecError as problem:
        return problem.diagnostics


def constants_of(source: Source, constants: Mapping[str, Number]) -> dict[str, Fraction]:
    """Give exact numbers for constants that the spec declares.  Raises `WrongValue`."""
    if not constants:
        return {}
    from graphdsl.syntax import ast, parse

    statements = parse(source)[0].statements
    known = [statement.name.text for statement in statements if isinstance(statement, ast.Constant)]
    movable = [
        statement.name.text for statement in statements if isinstance(statement, ast.Parameter)
    ]
    for name, value in constants.items():
        if name in movable:
            raise WrongValue(
                f"`{name}` is a parameter, not a constant: give it to the class, "
                f".objective({name}={value!r})"
            )
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean `{close}`?" if close else f"there are: {', '.join(known) or '-'}"
            raise WrongValue(f"{source.name} declares no constant `{name}`; {hint}")
    return {name: exact(name, value) for name, value in constants.items()}
