"""Every form, step, assertion and term of an audit, under random distributions."""

from __future__ import annotations

__all__ = ["verify"]

from collections.abc import Iterable

import numpy as np

from graphdsl.ir.audit import Audit
from graphdsl.ir.evidence import Proof
from graphdsl.ir.functionals import variables_of
from graphdsl.ir.information import ProjectionDerivation
from graphdsl.ir.model import Model
from graphdsl.ir.objective import Functional, Projection
from graphdsl.ir.symbols import Variable
from graphdsl.ir.verification import Unverified, Verification
from graphdsl.verify.assertions import check_proved, check_refuted, is_of_models, refutation_of
from graphdsl.verify.comparison import Tally
from graphdsl.verify.models import Models, intended, stood_for
from graphdsl.verify.random_joints import discrete_world, gaussian_world, has_copies
from graphdsl.verify.sets import Chosen, choices
from graphdsl.verify.structures import Structure, structures_of
from graphdsl.verify.terms import Parameters, random_parameters, worth
from graphdsl.verify.trial import told_bounds
from graphdsl.verify.views import Views, views_of

_DRAWS = 20
_FEW = 4  #: draws for each of very many projections
_MANY = 100
_APART = 1e-6  #: nats, by which two sides differ that are said to

_FEW_VARIABLES = 10


def verify(audit: Audit) -> Verification:
    """Compare all that was derived with its definition; see `Verification` for what comes of it."""
    run = _Run(audit)
    structures = structures_of(audit.model)
    several = structures.several
    few = _FEW if len(audit.projections) > _MANY else _DRAWS
    for number in range(max(few, len(several))):
        run.draw(number, several[number % len(several)])
    run.check_refuted()
    return Verification(
        discrete=run.discrete.comparison,
        gaussian=run.gaussian.comparison,
        mistakes=(*run.discrete.disagreements(), *run.gaussian.disagreements()),
        unverified=tuple(run.unverified),
        structures=len(structures.several),
        of_structures=structures.of,
    )


class _Run:
    """The state of one verification."""

    def __init__(self, audit: Audit) -> None:
        self.audit, self.model = audit, audit.model
        self.discrete, self.gaussian = Tally("discrete"), Tally("gaussian")
        self.unverified: dict[Unverified, None] = {}
        self._apart: dict[str, float] = {}

    def draw(self, number: int, structure: Structure) -> None:
        """One distribution of each kind, and all that is known of it, in one structure."""
        rng = np.random.default_rng((number, 0))
        self.discrete.draws += 1
        self.gaussian.draws += 1
        draw = _Draw(self.model, number, choices(self.model, rng), structure)
        parameters = random_parameters(self.model, rng)
        for projection in self.audit.projections:
            self._projection(projection, draw)
        for proof in self.audit.proofs:
            self._assertion(proof, draw, parameters)
        self._objective(number, parameters, structure)

    def check_refuted(self) -> None:
        """The distributions that refute assertions, and that refuted equalities do not hold."""
        for proof in self.audit.proofs:
            if proof.status == "refuted" and proof.counterexample is not None:
                check_refuted(proof, proof.counterexample, self.model, self.discrete)
        for text, most in self._apart.items():
            if most < _APART:
                what = f"assert {text}, refuted, but it held in every draw"
                self.discrete.nonnegative(what, -1.0)

    def _projection(self, one: ProjectionDerivation, draw: _Draw) -> None:
        title, exact = f"D({one.under} || {one.network.name})", Projection(one.network, one.under)
        _check_forms(title, one, draw.tables([exact]), self.discrete)
        if _has_copies(exact):
            self._leave(f"{title} by Gaussians", "a copy of a variable has no density")
        else:
            _check_forms(title, one, draw.normals, self.gaussian)

    def _assertion(self, proof: Proof, draw: _Draw, parameters: Parameters) -> None:
        what = f"assert {proof.assertion.text}"
        functionals = [term.functional for term in proof.assertion.difference]
        if proof.status == "unknown":
            self._leave(what, "it was not decided")
        elif is_of_models(proof):
            self._leave(what, "it is of a model too")
        elif proof.status == "proved":
            check_proved(proof, draw.tables(functionals), parameters, self.discrete)
            if not any(map(_has_copies, functionals)):
                check_proved(proof, draw.normals, parameters, self.gaussian)
        elif proof.counterexample is None:
            apart = refutation_of(proof, draw.tables(functionals), parameters)
            text = proof.assertion.text
            self._apart[text] = max(apart, self._apart.get(text, 0.0))

    def _objective(self, number: int, parameters: Parameters, structure: Structure) -> None:
        """The objective by its definition, beside what the loss's terms stand for."""
        if self.model.draws:
            self._leave("the loss as a whole", "a set is drawn in every row")
            return
        rng = np.random.default_rng((number, 3))
        functionals = [one.functional for one in self.model.asked()]
        interest = _whole(functionals, self.model)
        worlds = [(self.discrete, discrete_world(self.model, interest, rng, structure))]
        if not any(map(_has_copies, functionals)):
            worlds.append((self.gaussian, gaussian_world(self.model, rng, structure)))
        for tally, world in worlds:
            models = Models(self.model, world, rng, structure=structure)
            module = self.audit.module
            said = stood_for(models, module.terms, parameters)
            said += worth(module.constants, world, parameters)
            exact = intended(models, self.model.objective, parameters)
            tally.equal("the loss's terms and constants, less their gaps", said, exact)
            for term in module.terms:
                for bound in told_bounds(term):
                    if bound.certified:
                        tally.nonnegative(f"the gap of {term.name}", models.gap(bound, parameters))

    def _leave(self, what: str, why: str) -> None:
        self.unverified.setdefault(Unverified(what, why))


def _check_forms(title: str, one: ProjectionDerivation, views: Views, tally: Tally) -> None:
    """Each form of D against D itself, and each step's two sides."""
    exact = views.defined(Projection(one.network, one.under))
    forms = {
        "entropy": one.entropies,
        "multi-information": one.multi_information,
        "local Markov": one.local_markov,
        "named": (*one.simplified, *one.constant),
    }
    for name, terms in forms.items():
        tally.equal(f"{title}, {name} form", views.worth(terms, {}), exact)
    for place, step in enumerate(one.steps, start=1):
        before, after = views.worth(step.before, {}), views.worth(step.after, {})
        tally.equal(f"{title}, step {place}, {step.rule}", after, before)


def _whole(functionals: Iterable[Functional], model: Model) -> frozenset[Variable]:
    """The variables that are spoken of: of a block all of its family."""
    variables: set[Variable] = set()
    for name in sorted(set().union(*map(variables_of, functionals))):
        block = name.block
        variables |= {name} if block is None else set(model.members(block.head))
    return frozenset(variables)


def _has_copies(functional: Functional) -> bool:
    return isinstance(functional, Projection) and has_copies(functional.network)


class _Draw:
    """Distributions of one number, made when they are needed."""

    def __init__(
        self, model: Model, number: int, several: list[Chosen], structure: Structure
    ) -> None:
        self._model, self._number, self._several = model, number, several
        self._structure = structure
        self._tables: dict[frozenset[Variable], Views] = {}
        self.normals = views_of(
            model, several, lambda at: gaussian_world(at, self._rng(1), structure)
        )

    def tables(self, functionals: Iterable[Functional]) -> Views:
        """Tables in which what is spoken of varies; where there is room, one draw for all."""
        few = len(self._model.nodes) <= _FEW_VARIABLES
        key = frozenset[Variable]() if few else _whole(functionals, self._model)
        if key not in self._tables:
            self._tables[key] = views_of(
                self._model,
                self._several,
                lambda at: discrete_world(at, key, self._rng(2), self._structure),
            )
        return self._tables[key]

    def _rng(self, kind: int) -> np.random.Generator:
        """The same for every choice of the sets that are drawn."""
        return np.random.default_rng((self._number, kind))
