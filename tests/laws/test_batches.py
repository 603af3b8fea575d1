"""What goes into any objective: a mistake never trains, and neither order nor type is a meaning."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import chain

import numpy as np
import pytest
import torch
from torch import Tensor

from graphdsl_runtime import Losses, Meaningless, Objective, ObjectiveError
from tests.corpus import Case, compiled, documented, fuzz, generated, shipped, some
from tests.emitted import emitted_class, emitted_objectives
from tests.laws.batches import ROWS, all_noise, batch_for, mistakes, permuted

pytestmark = pytest.mark.filterwarnings("ignore:`rows` is unset")


def objectives(law: str, share: int) -> Iterator[tuple[Case, Objective]]:
    """Those of a share of the shipped specs and of the pages, and of as many generated ones."""
    known = some(law, [*shipped(), *documented()], share)
    yield from emitted_objectives(chain(known, generated(law, fuzz(share))), at_least=0.3)


def loss_of(objective: Objective, batch: dict[str, Tensor], noise: dict[str, Tensor]) -> Tensor:
    torch.manual_seed(1)
    losses: Losses = objective(batch, noise)
    return losses.loss.detach()


def test_no_mistake_with_a_batch_is_a_loss() -> None:
    """Each kind of mistake with each variable is refused, and the variable named."""
    refused = 0
    for case, objective in objectives("mistakes", 30):
        batch = batch_for(objective)
        noise = all_noise(objective, batch)
        right = loss_of(objective, batch, noise)
        for one in mistakes(objective, batch):
            try:
                loss = loss_of(objective, dict(one.batch), noise)
            except ObjectiveError as problem:
                said = str(problem)
                assert one.name in said, f"{case}\n{one.what}: {said}"
                for word in one.words:
                    assert word in said, f"{case}\n{one.what}: {said}"
                refused += 1
            else:  # a variable that the loss does not read
                assert torch.equal(loss, right), f"{case}\n{one.what} of {one.name}: {loss}"
    assert refused > 500


def test_the_order_of_rows_is_no_meaning() -> None:
    """With its noise, a batch in another order has the same loss."""
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(3))
    compared = 0
    for case, objective in objectives("order", 30):
        objective.double()
        batch = batch_for(objective)
        noise = {
            name: one.double() if one.is_floating_point() else one
            for name, one in all_noise(objective, batch).items()
        }
        loss = loss_of(objective, batch, noise)
        torch.manual_seed(2)
        if not torch.equal(objective(batch, noise).loss, loss):
            continue  # it draws permutations, directions or experts by itself
        other = loss_of(objective, permuted(batch, order), permuted(noise, order))
        torch.testing.assert_close(other, loss, rtol=1e-9, atol=1e-9, msg=str(case))
        compared += 1
    assert compared > 20


def test_the_type_of_numbers_is_no_meaning() -> None:
    """Double or whole numbers, arrays and lists are the tensors that they are equal to."""
    for case, objective in objectives("types", 20):
        batch = batch_for(objective)
        noise = all_noise(objective, batch)
        loss = loss_of(objective, batch, noise)
        whole = {
            name: one.long() if one.dtype != torch.bool and torch.equal(one, one.round()) else one
            for name, one in batch.items()
        }
        for same in (
            {name: one if one.dtype == torch.bool else one.double() for name, one in batch.items()},
            whole,
            {name: np.asarray(one) for name, one in whole.items()},
            {name: one.tolist() for name, one in batch.items()},
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.filterwarnings("ignore", message="`rows` is unset")
                other = loss_of(objective, same, noise)  # type: ignore[arg-type]  # that is the law
            torch.testing.assert_close(other, loss, rtol=1e-5, atol=1e-5, msg=str(case))


def test_a_state_is_all_that_a_loss_depends_on() -> None:
    """Weights, ramps, the step, rows and statistics: another module takes them, and goes on."""
    ramps = 0
    for case, objective in objectives("state", 45):
        batch = batch_for(objective)
        noise = all_noise(objective, batch)
        other = type(objective)(networks=objective._own_networks)
        objective.standardise(batch)
        objective.rows = 1000
        for name in objective._plain():
            low, high = objective._ranges[name]
            now = getattr(objective, name)
            setattr(objective, name, now / 2 if low <= now / 2 <= high else now)
        objective.advance(3)
        other.load_state_dict(objective.state_dict())
        assert torch.equal(loss_of(other, batch, noise), loss_of(objective, batch, noise)), case
        assert (other.rows, other._step) == (1000, 3)
        assert repr(other) == repr(objective)
        for one in (objective, other):
            one.advance(one._step + 1)
        ramps += len(objective._schedules)
        assert torch.equal(loss_of(other, batch, noise), loss_of(objective, batch, noise)), case
    assert ramps > 0


def test_the_unit_of_data_is_no_meaning() -> None:
    """Where the scale of data is known, another unit of it leaves what is inferred as it is."""
    compared = 0
    for case, objective in objectives("units", 30):
        objective.double()
        reals = [one for one in objective.variables if one.kind == "real" and one.role != "latent"]
        reals = [one for one in reals if not one.inferred]  # its prior is of a unit of its own
        if not reals or shared_with_a_latent(case):
            continue
        batch = batch_for(objective, rows=40)
        batch |= {one.name: batch[one.name].double() for one in reals}
        others = {**batch, **{one.name: 2000 + 300 * batch[one.name] for one in reals}}
        answers = []
        for data in (batch, others):
            objective.standardise(data)
            posterior = {name: q.mean for name, q in objective.infer(data).items()}
            answers.append(posterior)
        if not answers[0]:
            continue
        compared += 1
        for name, mean in answers[0].items():
            torch.testing.assert_close(
                answers[1][name], mean, rtol=1e-6, atol=1e-6, msg=f"{case}\n{name}"
            )
    assert compared > 5


def shared_with_a_latent(case: Case) -> bool:
    """Whether one network reads data in one place and a latent in another: a gap, not a choice.

    Both are then read in the unit of the data.
    """
    made = compiled(case)
    assert made is not None
    roles = {one.name: one.role for one in made.compiled.checked.model.nodes}
    for slot in made.compiled.module.networks:
        read = [one.parents for one in slot.models if slot.tied]
        kinds = [
            {roles.get(one) == "latent" for one in place} for place in zip(*read, strict=False)
        ]
        if any(len(several) > 1 for several in kinds):
            return True
    return False


MEASURED = """
model measured
observed x : real[3]
observed v[1..2] : real[2]
observed s : real[2] ~ normal(scale = learned)
observed n : count[3]
observed y : real[2] ~ normal
observed t : real[2] ~ laplace
latent z : real[2] ~ normal
q { x, v, s, n, y, t -> z }
p { z -> x, v, s, n, y, t }
minimize KL(q || p) + CE[p](y | t) + CE[p](t | y)
"""


def test_answers_are_in_the_unit_of_data() -> None:
    """What networks answer about 0 and 1 is put back: m + s mu, log s more, and log m for rates."""
    torch.manual_seed(0)
    objective = emitted_class(MEASURED)().double()
    rows = batch_for(objective, rows=40)
    data = {name: 50 + 20 * one.double() for name, one in rows.items()}
    means = {name: one.mean(dim=0) for name, one in data.items()}
    spreads = {name: one.std(dim=0, correction=0) for name, one in data.items()}
    z = torch.randn(5, 2, dtype=torch.float64)
    reads = {"p_x": "", "p_v": "", "p_s": "", "p_n": "", "p_y": "", "r_y": "t", "r_t": "y"}
    before = {name: objective.get_submodule(name)(z) for name in reads}
    objective.standardise(data)
    for name, old in before.items():
        mean, spread = means[name[2:]], spreads[name[2:]]
        read = means[reads[name]] + spreads[reads[name]] * z if reads[name] else z
        if name == "p_n":
            expected = old + mean.log()
        elif name in ("r_y", "r_t"):  # they answer with scales as well
            middle, scale = old.chunk(2, dim=-1)
            more = spread.log() * (2 if name == "r_y" else 1)
            expected = torch.cat([mean + spread * middle, scale + more], dim=-1)
        else:
            expected = mean + spread * old
        torch.testing.assert_close(objective.get_submodule(name)(read), expected)
    learned = (0.5 * objective.get_parameter("log_var_p_s")).exp()
    torch.testing.assert_close(learned, spreads["s"].square().mean().sqrt())


def test_a_loss_that_means_nothing_is_refused() -> None:
    """A number without bound is no loss: the variable is named whose scale no network can read."""
    torch.manual_seed(0)
    objective = emitted_class(MEASURED)()
    batch = batch_for(objective)
    for huge in (1e12, 1e18):
        with pytest.raises(Meaningless, match=r"x reaches .*standardise") as refused:
            objective(batch | {"x": huge * (2 + batch["x"])})
        assert refused.value.variable == "x"
    with torch.no_grad():
        [*objective.get_submodule("p_v").parameters()][-1].fill_(torch.nan)
    with pytest.raises(Meaningless, match="reconstruction_v"):
        objective(batch)


def test_losses_are_added_up_in_no_less_than_float32() -> None:
    """Under autocast in bfloat16 a sum over pixels and rows would have two digits."""
    for case, objective in objectives("precision", 15):
        batch = batch_for(objective)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            losses = objective(batch)
        for name, one in {"loss": losses.loss, **losses.terms, **losses.players}.items():
            assert one.dtype == torch.float32, f"{case}\n{name}: {one.dtype}"


EXPORTED = """
model exported
observed x[1..2] : binary[6] optional
observed y : count[3]
latent z : real[3] ~ normal
q { x, y -> z by poe }
p { z -> x[i] for i in 1..2; z -> y }
minimize KL(q || p)
"""


class _Encoder(torch.nn.Module):
    """What of a module is deployed."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Give the posterior's means."""
        return self.objective.infer({"x": x, "y": y})["z"].mean


def test_an_encoder_is_exported_for_any_number_of_rows() -> None:
    encoder = _Encoder(emitted_class(EXPORTED)())
    x, y = torch.rand(9, 2, 6).round(), torch.randint(9, (9, 3)).float()
    rows = {0: torch.export.Dim.DYNAMIC}
    exported = torch.export.export(encoder, (x[:4], y[:4]), dynamic_shapes={"x": rows, "y": rows})
    torch.testing.assert_close(exported.module()(x, y), encoder(x, y))
