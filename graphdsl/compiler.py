"""The order of the stages, and nothing else.

    text --syntax--> AST --resolve--> Model --graphs--> DAGs --symbolic--> Derivation
         --lower--> LossModule --codegen--> Python text

Rooms with heavy libraries are imported when their turn comes: a spec with a mistake is refused
before sympy is paid for.
"""

from __future__ import annotations

__all__ = [
    "Checked",
    "Compiled",
    "GeneratedModule",
    "canonical_forms",
    "check_parsed",
    "check_spec",
    "compile_spec",
    "derive",
    "independences_of",
    "read",
]

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from graphdsl.collecting import Forms, collect, forms_of, independences_of
from graphdsl.diagnostics import Diagnostic, Source, Span, SpecError
from graphdsl.ir.audit import Audit, Finding
from graphdsl.ir.evidence import CanonicalForm, Proof
from graphdsl.ir.functionals import draws_of
from graphdsl.ir.graph import Dag, Independence
from graphdsl.ir.information import Collected
from graphdsl.ir.loss import LossModule
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import NetworkName, Q
from graphdsl.resolve import resolve
from graphdsl.syntax import ast, parse

Values = Mapping[str, Fraction]
_NONE: Values = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A spec whose words and networks are all right."""

    spec: ast.Spec
    model: Model
    dags: Mapping[NetworkName, Dag]
    #: under q, p and each further inference network
    independences: Mapping[NetworkName, Independence]
    warnings: tuple[Diagnostic, ...]

    @property
    def independence(self) -> Independence:
        """What G^q guarantees."""
        return self.independences[Q]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A spec derived and lowered."""

    checked: Checked
    collected: tuple[Collected, ...]  #: of each objective
    module: LossModule
    proofs: tuple[Proof, ...]
    warnings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedModule:
    """The emitted Python text, and what was noticed on the way."""

    text: str
    class_name: str
    compiled: Compiled


def compile_spec(
    source: Source, constants: Values = _NONE, parameters: Values = _NONE
) -> GeneratedModule:
    """Compile a spec to the text of a PyTorch module.

    Args:
        source: The spec.
        constants: Values that replace those of the spec's `const` lines.
        parameters: Values that replace those of the spec's `param` lines.

    Raises:
        SpecError: If the spec is at fault, with every mistake that could be found.

    >>> vae = Source("vae.mib", '''
    ...     model vae
    ...     observed x : binary[64]
    ...     latent u : real[16] ~ normal
    ...     q { x -> u }
    ...     p { u -> x }
    ...     minimize KL(q || p)
    ... ''')
    >>> print(compile_spec(vae).compiled.module.terms[1].formula)
    E_q KL(q(u | x) || p(u))
    """
    compiled = derive(check_spec(source, constants, parameters))
    from graphdsl.codegen import render_module

    text = render_module(compiled.module, compiled.checked.model.constants)
    return GeneratedModule(text=text, class_name=compiled.module.class_name, compiled=compiled)


def check_spec(source: Source, constants: Values = _NONE, parameters: Values = _NONE) -> Checked:
    """Text to networks: everything that can be wrong before anything is derived.

    Raises:
        SpecError: With the mistakes of writing, of names and of networks, all at once.
    """
    spec, mistakes = parse(source)
    return check_parsed(spec, mistakes, source, constants, parameters)


def check_parsed(
    spec: ast.Spec,
    mistakes: tuple[Diagnostic, ...],
    source: Source,
    constants: Values = _NONE,
    parameters: Values = _NONE,
) -> Checked:
    """The same of a spec that is syntax already, with what was wrong in its writing.

    Raises:
        SpecError: With the mistakes of writing, of names and of networks, all at once.
    """
    resolution = resolve(spec, source, constants, parameters)
    diagnostics = (*mistakes, *resolution.diagnostics)
    if resolution.model is None:
        raise SpecError(diagnostics)
    if mistakes and not any(
        isinstance(statement, ast.NetworkBlock) for statement in spec.statements
    ):
        raise SpecError(diagnostics)
    return _build(spec, resolution.model, diagnostics)


def derive(checked: Checked, *, keep_refuted: bool = False) -> Compiled:
    """Networks to a lowered objective, with every assertion decided.

    Args:
        checked: The networks.
        keep_refuted: Whether a refuted assertion is only noted, for an audit to show why.

    Raises:
        SpecError: If something cannot be bounded or estimated, or an assertion is refuted.
    """
    from graphdsl.lower import lower
    from graphdsl.symbolic import decide

    model = checked.model
    independences, collected = collect(model, checked.dags, checked.independences)
    checked = replace(checked, independences=independences)
    canons = canonical_forms(checked)
    lowered = lower(collected, model, independences)
    proofs = _settled(
        tuple(decide(assertion, checked.dags, canons) for assertion in checked.model.assertions),
        checked,
        canons[Q],
    )
    verdicts = _verdicts(proofs)
    diagnostics = (*lowered.diagnostics, *verdicts)
    fatal = lowered.diagnostics if keep_refuted else diagnostics
    if lowered.module is None or any(one.severity == "error" for one in fatal):
        raise SpecError((*checked.warnings, *diagnostics))
    return Compiled(
        checked=checked,
        collected=collected,
        module=lowered.module,
        proofs=proofs,
        warnings=(*checked.warnings, *diagnostics),
    )


def read(compiled: Compiled) -> Audit:
    """All that is known of a compiled spec, each projection derived in all its forms."""
    from graphdsl.graphs import topological_orders
    from graphdsl.symbolic import derive_projection, imbalance

    model = compiled.checked.model
    canons = canonical_forms(compiled.checked)
    return Audit(
        model=model,
        projections=tuple(
            derive_projection(
                projection.network,
                topological_orders(projection.network, model),
                projection.weight,
                canons[projection.under].within(frozenset(projection.network.variables)),
            )
            for projection in model.projections
        ),
        module=compiled.module,
        proofs=compiled.proofs,
        findings=tuple(map(_finding, compiled.warnings)),
        leftover=imbalance(model, compiled.module, compiled.checked.dags, canons),
    )


def canonical_forms(checked: Checked) -> Forms:
    """Canonical forms under each distribution; under p, the priors of its roots are fixed."""
    return forms_of(checked.model, checked.independences)


def _build(spec: ast.Spec, model: Model, diagnostics: tuple[Diagnostic, ...]) -> Checked:
    from graphdsl.graphs import build_dag, check_model

    networks = [projection.network for projection in model.projections]
    complete = all(diagnostic.severity != "error" for diagnostic in diagnostics)
    diagnostics = (*diagnostics, *check_model(model, networks, complete=complete))
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise SpecError(diagnostics)
    return Checked(
        spec=spec,
        model=model,
        dags={network.name: build_dag(network, model) for network in networks},
        independences=independences_of(model),
        warnings=diagnostics,
    )


def _settled(
    proofs: tuple[Proof, ...], checked: Checked, canon: CanonicalForm
) -> tuple[Proof, ...]:
    """Prove or refute what is left; a spec without such assertions never pays for a solver."""
    if all(proof.status == "proved" for proof in proofs):
        return proofs
    from graphdsl.prove import Setting, settle

    setting = Setting.of(checked.model, canon)
    return tuple(settle(one, setting) if _is_under_q(one) else one for one in proofs)


def _is_under_q(proof: Proof) -> bool:
    """Whether it is of q alone; of other distributions, or of drawn sets, nobody searches."""
    functionals = [term.functional for term in proof.assertion.difference]
    return all(one.under == "q" and not draws_of(one) for one in functionals)


def _verdicts(proofs: tuple[Proof, ...]) -> list[Diagnostic]:
    return [_verdict(proof) for proof in proofs if proof.status != "proved"]


def _verdict(proof: Proof) -> Diagnostic:
    from graphdsl.report.evidence import distribution_line, nats_text, side_text
    from graphdsl.report.terms import text_sum
    from graphdsl.symbolic.errors import AssertionRefuted, AssertionUndecided, AssertionViolated

    line, column = proof.assertion.line, proof.assertion.column
    span = Span(line, column, line, column + len("assert"))
    if proof.status == "unknown":
        return AssertionUndecided(span=span, reason=proof.because)
    if proof.assertion.relation == "==" or proof.counterexample is None:
        return AssertionRefuted(span=span, remainder=text_sum(proof.remainder))
    return AssertionViolated(
        span=span,
        where=distribution_line(proof.counterexample),
        side=side_text(proof),
        value=nats_text(proof.counterexample),
    )


def _finding(one: Diagnostic) -> Finding:
    return Finding(
        code=one.code,
        severity="error" if one.severity == "error" else "warning",
        message=one.message,
        line=one.span.line,
        column=one.span.column,
    )
