"""What a spec of this folder claims, decided: its assertions, and its objective as a difference.

What a claim is stands in the comment behind it. Of an assertion: `printed:` is the paper's,
`instead:` is what holds in its place, and `bound, slack S:` an inequality whose two sides differ by
S. Of the objective, the printed one minus another: `equal:` says that nothing is left of it but
constants of the data, `below:` that it is nowhere positive up to such constants, `above:` that it
is nowhere negative.
"""

from __future__ import annotations

__all__ = ["Claim", "claims_of", "difference_of", "random_models"]

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from graphdsl.compiler import Checked, canonical_forms, check_spec
from graphdsl.diagnostics import Source
from graphdsl.ir.evidence import Certificate, Counterexample, Proof
from graphdsl.ir.information import CrossEntropy, Entropy, ModelAtom, Term
from graphdsl.ir.model import Model
from graphdsl.ir.symbols import ModelRef, Q, names
from graphdsl.prove import Setting, prove, settle
from graphdsl.report.evidence import distribution_line, nats_text
from graphdsl.report.terms import text_sum
from graphdsl.signs import sign
from graphdsl.symbolic import decide
from graphdsl.symbolic.expand import expand_objective
from graphdsl.verify.models import Models, intended
from graphdsl.verify.random_joints import discrete_world
from graphdsl.verify.terms import defined, weight_value, worth

DRAWS = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, what is true of it, and why."""

    kind: str  #: `printed`, `instead`, `bound`, `equal`, `below` or `above`
    says: str
    formula: str
    verdict: str
    evidence: tuple[str, ...]


def claims_of(text: str) -> tuple[Claim, ...]:
    """All claims of a spec, its objective's first."""
    checked = check_spec(Source("paper.mib", text))
    found = [*difference_of(text, checked)]
    for line in text.splitlines():
        formula, _, comment = line.removeprefix("assert ").partition("#")
        if line.startswith("assert ") and ":" in comment:
            found.append(_asserted(text, formula.strip(), comment.strip()))
    return tuple(found)


# ---- assertions ------------------------------------------------------------------------------


def _asserted(text: str, formula: str, comment: str) -> Claim:
    kind, _, says = comment.partition(":")
    proof, checked = _decided(text, formula)
    slack = re.fullmatch(r"bound, slack (.+)", kind)
    if slack is not None:
        return _bound(text, formula, slack[1], says.strip(), proof)
    verdict = {"proved": "holds", "refuted": "fails", "unknown": "open"}[proof.status]
    return Claim(kind, says.strip(), formula, verdict, tuple(_evidence(proof, checked)))


def _bound(text: str, formula: str, slack: str, says: str, proof: Proof) -> Claim:
    """An inequality, and its slack: proved both, and the slack in numbers."""
    low, high = formula.split("<=")
    gap, checked = _decided(text, f"{high} - {_minus(low)} == {slack}")
    if proof.status != "proved" or gap.status != "proved":
        raise ValueError(f"{formula} with slack {slack} is no bound")
    asserted = check_spec(Source("paper.mib", f"{_bare(text)}\nassert {slack} >= 0"))
    numbers = []
    for number in range(DRAWS):
        world = discrete_world(checked.model, (), np.random.default_rng(number))
        (assertion,) = asserted.model.assertions
        numbers.append(
            sum(
                weight_value(one.weight, {}) * defined(one.functional, world)
                for one in assertion.difference
            )
        )
    evidence = (f"slack `{slack}`, proved; {_range(numbers)}",)
    return Claim("bound", says, formula, "holds as a bound", evidence)


def _decided(text: str, formula: str) -> tuple[Proof, Checked]:
    """One assertion, instead of those that the spec has."""
    checked = check_spec(Source("paper.mib", f"{_bare(text)}\nassert {formula}"))
    canons = canonical_forms(checked)
    (assertion,) = checked.model.assertions
    proof = decide(assertion, checked.dags, canons)
    if proof.status != "proved" and all(
        one.functional.under == "q" for one in assertion.difference
    ):
        proof = settle(proof, Setting.of(checked.model, canons[Q]))
    return proof, checked


def _bare(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("assert "))


def _minus(formula: str) -> str:
    """A sum to be subtracted: every sign of it turned."""
    return re.sub(
        r" ([+-]) ", lambda found: f" {'-' if found[1] == '+' else '+'} ", formula.strip()
    )


def _evidence(proof: Proof, checked: Checked) -> Iterator[str]:
    found = proof.counterexample
    if proof.status == "proved":
        yield proof.because
    elif found is not None:
        yield f"left side minus right side is {_value(proof, found)} nats under"
        yield f"`{distribution_line(found)}`"
    else:
        yield f"left side minus right side is `{text_sum(proof.remainder)}`"


def _value(proof: Proof, found: Counterexample) -> str:
    """Left minus right; a counterexample of `<=` has it the other way round."""
    if proof.assertion.relation != "<=":
        return nats_text(found)
    turned = replace(found, value=tuple((-factor, number) for factor, number in found.value))
    return nats_text(turned)


# ---- differences of objectives -----------------------------------------------------------------


def difference_of(text: str, checked: Checked | None = None) -> Iterator[Claim]:
    """What is left of the objective, printed minus another, once equal terms have met."""
    found = re.search(r"^minimize(.*?)# (equal|below|above): (.*?)$", text, re.M | re.S)
    if found is None:
        return
    checked = checked or check_spec(Source("paper.mib", text))
    formula = " ".join(found[1].split())
    yield _difference(checked, found[2], found[3], formula)


def _difference(checked: Checked, kind: str, says: str, formula: str) -> Claim:
    left = _Left(checked)
    numbers = left.numbers(with_constants=kind == "above")
    if kind == "equal":
        verdict = "fails" if left.open else "holds"
        evidence = [_range(numbers)] if left.open else []
    else:
        terms = left.open if kind == "below" else (*left.open, *left.constants)
        bounded = _never_negative(
            [Term(-one.weight, one.atom) for one in terms] if kind == "below" else terms, checked
        )
        verdict = "holds as a bound" if bounded else "fails"
        evidence = [_range(numbers)]
        if not bounded:
            violated = sum(one < -1e-9 for one in numbers)
            evidence.append(f"negative in {violated} of the draws")
    if left.open:
        evidence.insert(0, f"remaining difference: `{text_sum(left.open)}`")
    if left.constants:
        evidence.append(f"constants of the data: `{text_sum(left.constants)}`")
    return Claim(kind, says, formula, verdict, tuple(evidence) or ("both sides are equal",))


class _Left:
    """What is left of an objective in canonical form."""

    def __init__(self, checked: Checked) -> None:
        self.checked, model = checked, checked.model
        ledger = expand_objective(model, checked.dags, canonical_forms(checked))
        terms = [Term(weight, atom) for atom, weight in ledger.entropies.items() if weight]
        terms += [
            Term(weight, _printed(atom, model)) for atom, weight in ledger.models.items() if weight
        ]
        terms.sort(key=lambda one: str(one.atom))
        data = model.observed()
        self.constants = tuple(one for one in terms if _is_data(one, data))
        self.open = tuple(one for one in terms if not _is_data(one, data))

    def numbers(self, with_constants: bool) -> list[float]:
        """The difference under random distributions and models, each from its own definition."""
        model = self.checked.model
        parameters = {one.name: float(one.value) for one in model.parameters}
        found = []
        for number in range(DRAWS):
            models = random_models(model, number)
            value = intended(models, model.objective, parameters)
            if not with_constants:
                value -= worth(self.constants, models.world, parameters)
            found.append(value)
        return found


def random_models(model: Model, number: int) -> Models:
    """A draw of distributions that follow the networks, and of all models."""
    rng = np.random.default_rng(number)
    return Models(model, discrete_world(model, (), rng), rng)


def _never_negative(terms: Iterable[Term], checked: Checked) -> bool:
    """Whether a certificate says so, every model at its best: CE_r(v | S) >= H(v | S)."""
    several = tuple(terms)
    lowered: list[Term] = []
    for one in several:
        atom = one.atom
        if isinstance(atom, CrossEntropy):
            if sign(one.weight, checked.model.parameters) != "nonnegative":
                return False
            atom = Entropy(atom.of, atom.given, atom.under)
        lowered.append(Term(one.weight, atom))
    setting = Setting.of(checked.model, canonical_forms(checked)[Q])
    return isinstance(prove(lowered, setting), Certificate)


def _is_data(term: Term, data: frozenset[str]) -> bool:
    return isinstance(term.atom, Entropy) and data.issuperset((*term.atom.of, *term.atom.given))


def _printed(atom: ModelAtom, model: Model) -> CrossEntropy:
    """A cross-entropy with its model as it is printed everywhere."""
    given = atom.given
    if given is None:
        network = model.generation if atom.network == "p" else model.inference_of(atom.network)
        several = network.conditionals if network is not None else ()
        parents = [one.parents for one in several if atom.node in one.children]
        given = frozenset(parents[0]) if parents else frozenset()
    head = {"new": "r"}.get(atom.network, atom.network.partition("(")[0])
    model_of = ModelRef(head, (atom.node,), names(given))
    return CrossEntropy((atom.node,), names(given), model_of, atom.under)


def _range(numbers: list[float]) -> str:
    low, mean, high = min(numbers), sum(numbers) / len(numbers), max(numbers)
    return f"{low:.3f} to {high:.3f} nats, {mean:.3f} on average, in {len(numbers)} draws"
