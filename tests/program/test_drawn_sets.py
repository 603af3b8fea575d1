"""Means over sets, drawn one at a time: against all sets written out, and against enumeration."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator

import jsonschema
import numpy as np
import pytest
import torch

from graphdsl.compiler import Compiled, check_spec, derive, read
from graphdsl.diagnostics import Source, SpecError
from graphdsl.ir.information import CrossEntropy, Entropy, Term, entropy
from graphdsl.ir.symbols import IndexSet, ModelRef, NetworkName, Variable
from graphdsl.ir.weight import ONE
from graphdsl.report import audit_json, audit_schema, audit_text
from graphdsl_runtime import Objective, Subset
from tests.effort import calls, growth
from tests.emitted import emitted_class, emitted_text
from tests.judges import weight_value
from tests.symbolic.test_laws import Models, intended

VIEWS = """
model views
const N = 3
observed x[1..N] : real[2]
observed y : binary[3]
latent z : real[2] ~ normal
"""
PRODUCT = VIEWS + "q { x -> z by poe }\np { z -> x[i] for i in 1..N; z -> y }\n"
JOINT = VIEWS + "q { x -> z }\np { z -> x[i] for i in 1..N; z -> y }\n"
RANDOM = JOINT + "infer r(S) { x[S] -> z by poe }\n"

MEANS = {
    "bipartitions": PRODUCT + "minimize KL(q || p) + 2 * expect(S in bipartitions(1..N)) "
    "D(q || {(x[S]) -> (z) -> (x[not S])})",
    "a network by name": PRODUCT + "network cross(T) { (x[T]) -> (z) -> (x[not T]) }\n"
    "minimize KL(q || p) + mean(S in bipartitions(1..N)) D(q || cross(S))",
    "no product of experts": JOINT
    + "minimize KL(q || p) + mean(S in bipartitions(1..N)) D(q || {(x[S]) -> z -> (x[not S])})",
    "information that needs no draw": PRODUCT
    + "minimize KL(q || p) + mean(S in subsets(1..N)) I(x[S]; z)",
    "information of what is left": PRODUCT
    + "minimize KL(q || p) + mean(S in bipartitions(1..N)) I(x[not S]; z | x[S])",
    "information that is maximised": PRODUCT
    + "minimize KL(q || p) - 0.3 * mean(S in bipartitions(1..N)) I(x[S]; z)",
    "an entropy of data": PRODUCT
    + "minimize KL(q || p) + mean(S in subsets(1..N)) (H(x[S] | z) + I(x; z))",
    "posteriors of subsets": PRODUCT
    + "minimize KL(q || p) + mean(S in subsets(1..N)) KL(q(z | x) || q(z | x[S]))",
    "predictions": JOINT
    + "minimize KL(q || p) + mean(S in subsets(1..N)) (CE(x[S] | z) + CE(y | z))",
    "a network for a bound": VIEWS + "latent u[1..N] : real ~ normal\n"
    "q { x -> z by poe; x[i] -> u[i] for i in 1..N }\np { z, u[i] -> x[i] for i in 1..N }\n"
    "minimize KL(q || p) + mean(S in subsets(1..N)) CE(x[S] | z)",
    "several latents": PRODUCT.replace("latent z : real[2]", "latent z[1..2] : real[2]")
    + "minimize KL(q || p) + mean(S in bipartitions(1..N)) D(q || {(x[S]) -> (z) -> (x[not S])})",
    "random subsets of views": RANDOM
    + "minimize KL(q || p) + mean(S in subsets(1..N)) KL(r(S)(x[S], z) || p(x[S], z))",
    "all views from some": RANDOM
    + "minimize KL(q || p) + mean(S in subsets(1..N)) KL(r(S)(x, z) || p(x, z))",
    "two families": VIEWS.replace("y : binary[3]", "y[1..N] : binary[3]")
    + "q { x, y -> z by poe }\np { z -> x[i], y[i] for i in 1..N }\n"
    "minimize KL(q || p) + mean(S in bipartitions(1..N)) (D(q || {(x[S]) -> z -> (x[not S])})"
    " + 2 * D(q || {(y[S]) -> z -> (y[not S])}))",
    "members of two decoders": PRODUCT.replace("for i in 1..N;", "for i in 1..2; z, w -> x[3];")
    .replace("latent", "latent w : real[2] ~ normal\nlatent", 1)
    .replace("by poe", "by poe; x -> w")
    + "minimize KL(q || p) + mean(S in bipartitions(1..N)) "
    "D(q || {(x[S]) -> (z, w) -> (x[not S])})",
    "two means": PRODUCT
    + "minimize KL(q || p) + mean(S in subsets(1..N)) KL(q(z | x) || q(z | x[S]))"
    "+ 0.5 * mean(T in bipartitions(1..N)) I(x[T]; z)",
}


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Draw sets however few there are."""
    monkeypatch.setattr("graphdsl.declare.comprehensions.WRITTEN_ALWAYS", 0)
    monkeypatch.setattr("graphdsl.resolve.objective.WRITTEN_OUT", 0)
    return monkeypatch


def both_ways(text: str, drawing: pytest.MonkeyPatch) -> tuple[Objective, Objective]:
    """The module that draws its sets, and the one with all of them, with the same networks."""
    drawn = emitted_class(text)().double()
    with drawing.context() as restored:
        restored.setattr("graphdsl.declare.comprehensions.WRITTEN_ALWAYS", 4)
        written = emitted_class(text)().double()
    drawn.load_state_dict(written.state_dict())
    return drawn, written


def a_batch(objective: Objective) -> dict[str, torch.Tensor]:
    """Five rows of what is observed: reals between 0 and 1 stand for any kind of values."""
    return {
        one.name: torch.rand(5, *one.tensor_shape).double()
        for one in objective.variables
        if one.role == "observed"
    }


def every_choice(draws: tuple[Subset, ...]) -> Iterator[dict[str, torch.Tensor]]:
    """Each set of each draw once."""
    sets = [one.numbered(torch.arange(one.count)) for one in draws]
    for chosen in itertools.product(*sets):
        yield {one.name: mask for one, mask in zip(draws, chosen, strict=True)}


@pytest.mark.parametrize("name", MEANS)
def test_mean_over_draws_is_the_sum_written_out(name: str, drawing: pytest.MonkeyPatch) -> None:
    drawn, written = both_ways(MEANS[name], drawing)
    assert bool(drawn.draws) == (name != "information that needs no draw")
    assert not written.draws
    batch = a_batch(drawn)
    noise = written.draw_noise(batch["x"])
    losses = [drawn(batch, {**noise, **one}).loss for one in every_choice(drawn.draws)]
    exact = written(batch, noise).loss
    assert torch.stack(losses).mean().item() == pytest.approx(exact.item(), rel=1e-12)


def test_all_views_are_bounded_as_any_others(drawing: pytest.MonkeyPatch) -> None:
    """Of q(z|x) by one network: written out, S = all views is exact; drawn, p(z) bounds it too."""
    text = JOINT + "minimize KL(q || p) + mean(S in subsets(1..N)) (H(x[S] | z) + I(x; z))"
    drawn, written = both_ways(text, drawing)
    batch = a_batch(drawn)
    noise = written.draw_noise(batch["x"])
    loss, exact = drawn(batch, noise), written(batch, noise)
    assert loss.loss.item() == pytest.approx((exact.loss + exact.terms["rate_z"] / 7).item())


def test_rows_have_sets_of_their_own(drawing: pytest.MonkeyPatch) -> None:
    drawn, _ = both_ways(MEANS["bipartitions"], drawing)
    batch = a_batch(drawn)
    noise = drawn.draw_noise(batch["x"])
    rows = [
        drawn(
            {name: value[[row]] for name, value in batch.items()},
            {name: value[[row]] for name, value in noise.items()},
        ).loss
        for row in range(5)
    ]
    assert drawn(batch, noise).loss.item() == pytest.approx(torch.stack(rows).mean().item())


def test_same_noise_same_loss_and_without_its_set_another(drawing: pytest.MonkeyPatch) -> None:
    drawn, written = both_ways(MEANS["bipartitions"], drawing)
    batch = a_batch(drawn)
    noise = drawn.draw_noise(batch["x"])
    assert drawn(batch, noise).loss == drawn(batch, noise).loss
    latents = written.draw_noise(batch["x"])
    assert len({drawn(batch, latents).loss.item() for _ in range(8)}) > 1
    assert torch.isfinite(drawn(batch).loss)


# ---- by enumeration ------------------------------------------------------------------------------


Sets = dict[str, frozenset[int]]


def derived(text: str) -> Compiled:
    binary = text.replace("real[2]\nobserved y : binary[3]", "binary\nobserved y : binary")
    return derive(check_spec(Source("means.mib", binary)))


def every_set(result: Compiled) -> Iterator[Sets]:
    several = []
    for draw in result.checked.model.draws:
        most = draw.count + 1 - (draw.kind == "bipartitions")
        sizes = range(1, most)
        indices = range(1, draw.count + 1)
        several.append(
            [frozenset(one) for size in sizes for one in itertools.combinations(indices, size)]
        )
    names = [draw.name for draw in result.checked.model.draws]
    for chosen in itertools.product(*several):
        yield dict(zip(names, chosen, strict=True))


def spelled(names: tuple[Variable, ...], sets: Sets) -> tuple[Variable, ...]:
    """The variables that x[S] and x[not S] are, for a given S."""
    found: list[Variable] = []
    for name in names:
        block = name.block
        if block is None:
            found.append(name)
        else:
            members = [i for i in range(1, 4) if (i in sets[block.draw]) != block.outside]
            found += [Variable(block.head, (i,)) for i in members]
    return tuple(found)


def titled(under: NetworkName, sets: Sets) -> NetworkName:
    if not under.draws:
        return under
    (name,) = under.draws
    return NetworkName(under.base, (IndexSet(tuple(sorted(sets[name])), ()),))


def valued(models: Models, atom: Entropy | CrossEntropy, sets: Sets) -> float:
    """One atom for given sets; of a model, a block is the product of its members."""
    of, given, under = spelled(atom.of, sets), spelled(atom.given, sets), titled(atom.under, sets)
    if isinstance(atom, CrossEntropy):
        parents = spelled(atom.model.parents, sets)
        models_of = (ModelRef(atom.model.network, (name,), parents) for name in of)
        return sum(models.cross_entropy(one, under) for one in models_of)
    return models.judge(under).value([Term(ONE, entropy(of, given))]) if of else 0.0


@pytest.mark.parametrize("draw", range(3))
@pytest.mark.parametrize("name", MEANS)
def test_loss_is_the_mean_plus_its_gaps(name: str, draw: int, drawing: pytest.MonkeyPatch) -> None:
    """What the drawn terms stand for is the objective, whose D's are summed over all sets."""
    result = derived(MEANS[name])
    with drawing.context() as restored:
        restored.setattr("graphdsl.declare.comprehensions.WRITTEN_ALWAYS", 4)
        models = Models(derived(MEANS[name]), np.random.default_rng((11, draw)), tight=False)
    sets = list(every_set(result))
    total = 0.0
    for term in (*result.module.constants, *stands_for(result)):
        assert isinstance(term.atom, Entropy | CrossEntropy)
        worth = float(np.mean([valued(models, term.atom, one) for one in sets]))
        total += weight_value(term.weight, {}) * worth
    assert total == pytest.approx(intended(models, {}), abs=1e-10)
    for bound in (bound for term in result.module.terms for bound in term.bounds):
        ref, atom = bound.model, bound.entropy.atom
        assert isinstance(atom, Entropy)
        model = CrossEntropy(ref.children, ref.parents, ref, atom.under)
        for one in sets:  # each gap is a divergence: for every set by itself, not only on average
            slack = valued(models, model, one) - valued(models, atom, one)
            assert weight_value(bound.weight, {}) * slack >= -1e-10


def stands_for(result: Compiled) -> Iterator[Term]:
    for term in result.module.terms:
        yield from term.stands_for


def test_equal_terms_meet_across_complements() -> None:
    """Over bipartitions S and its complement are alike: E_S I(x[S]; z) = E_S I(x[not S]; z)."""
    text = VIEWS.replace("N = 3", "N = 9") + (
        "q { x -> z }\np { z -> x[i] for i in 1..N; z -> y }\nminimize KL(q || p)\n"
        "assert mean(S in bipartitions(1..N)) I(x[S]; z) "
        "== mean(S in bipartitions(1..N)) I(x[not S]; z)\n"
        "assert mean(S in bipartitions(1..N)) D(q || {(x[S]) -> (z) -> (x[not S])}) "
        "== mean(T in bipartitions(1..N)) I(x[T]; x[not T] | z)\n"
        "assert mean(S in bipartitions(1..N)) I(x[S]; z) <= I(x; z)\n"
    )
    result = derive(check_spec(Source("assertions.mib", text)))
    assert [proof.status for proof in result.proofs] == ["proved", "proved", "unknown"]


# ---- of many views -------------------------------------------------------------------------------


MANY = (
    VIEWS.replace("const N = 3", "const N = 16")
    + "q {{ x -> z by poe }}\np {{ z -> x[i] for i in 1..N; z -> y }}\n"
    "infer r(S) {{ x[S] -> z by poe }}\nminimize KL(q || p) + {}\n"
)
LARGE = {
    "bipartitions": "expect(S in bipartitions(1..N)) D(q || {(x[S]) -> (z) -> (x[not S])})",
    "subsets": "expect(S in subsets(1..N)) KL(r(S)(x[S], z) || p(x[S], z))",
}
of_many = pytest.mark.parametrize("goal", LARGE.values(), ids=LARGE.keys())


@of_many
def test_text_does_not_grow(goal: str) -> None:
    eight, sixteen = (emitted_text(MANY.format(goal), {"N": count}) for count in (8, 16))
    assert re.sub(r"\d+", "1", eight) == re.sub(r"\d+", "1", sixteen)


@of_many
def test_many_views_are_no_great_effort(goal: str) -> None:
    """No step goes over the sets, of which there are 65,536."""
    assert "E_S" in emitted_text(MANY.format(goal))

    def compiled(views: int) -> str:
        return emitted_text(MANY.format(goal), {"N": views})

    assert calls(lambda: compiled(16)) < 500_000
    assert growth(compiled, 8, 24) < 1.3


@of_many
def test_many_views_train(goal: str) -> None:
    objective = emitted_class(MANY.format(goal))()
    batch = {"x": torch.randn(4, 16, 2), "y": torch.zeros(4, 3)}
    losses = objective(batch)
    losses.loss.backward()
    assert torch.isfinite(losses.loss)
    assert all(one.grad is not None for one in objective.parameters())
    assert objective.infer(batch)["z"].mean.shape == (4, 2)
    assert set(objective.generate(3)) == {"x", "y"}


@of_many
def test_audit_says_what_the_mean_is_over(goal: str) -> None:
    audit = read(derive(check_spec(Source("many.mib", MANY.format(goal)))))
    content = json.loads(audit_json(audit))
    jsonschema.validate(content, json.loads(audit_schema()))
    text = audit_text(audit)
    assert "E_S" in text
    assert "one S for each row, drawn uniformly: unbiased" in text
    assert "in expectation over S" in content["objective"]["reason"]


def test_few_views_are_written_out() -> None:
    text = MANY.format(LARGE["bipartitions"])
    text = text.replace("infer r(S) { x[S] -> z by poe }\n", "")  # as good as q's own: a tie
    assert "Subset(" not in emitted_text(text, {"N": 4})
    assert "Subset(" in emitted_text(text, {"N": 5})


def test_what_cannot_be_drawn_is_written_out_up_to_eight_views() -> None:
    text = MANY.format("mean(S in subsets(1..N)) sum(i in S) H(x[i] | z)")
    assert "Subset(" not in emitted_text(text, {"N": 8})
    with pytest.raises(SpecError, match="MIB271"):
        emitted_text(text, {"N": 9})
