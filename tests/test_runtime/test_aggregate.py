"""Total correlation and information under the aggregate posterior, against enumeration and more."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from graphdsl_runtime import (
    Gaussian,
    OutOfRange,
    ShapeMismatch,
    expect,
    information_leave_in,
    information_loo,
    log_aggregate_mss,
    total_correlation_loo,
    total_correlation_mss,
    total_correlation_mws,
)

ROWS = 5  # of the finite data set that is enumerated
Weigh = Callable[[int, int], Tensor]


def posteriors(*shape: int) -> tuple[Tensor, Gaussian]:
    """Give posteriors that overlap, and a sample of each."""
    q = Gaussian(torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64))
    return q.sample(torch.randn(shape, dtype=torch.float64)), q


def stratified(batch: int, rows: int) -> Tensor:
    """Give the log-weight that row b's estimate gives to row c."""
    others = (rows - 1) / (rows * max(batch - 1, 1))
    weights = torch.full((batch, batch), others, dtype=torch.float64)
    return weights.fill_diagonal_(1 / rows).log()


def in_the_first_column(batch: int, rows: int) -> Tensor:
    """Misplace the own row's weight, as a flat stride of B rather than B + 1 does."""
    weights = torch.full((batch, batch), (rows - 1) / (rows * (batch - 1)), dtype=torch.float64)
    weights.view(-1)[::batch] = 1 / rows
    return weights.log()


def by_broadcast(
    z: Tensor, q: Gaussian, rows: int | None = None, weigh: Weigh = stratified
) -> tuple[Tensor, Tensor]:
    """Say the same as `log_aggregate_mss` in one B x B x M x D tensor."""
    log_q = q[None].log_prob(z[:, None])
    log_q = log_q if log_q.ndim == 3 else log_q.sum(dim=-1)
    log_weights = weigh(len(z), rows or len(z))
    joint = torch.logsumexp(log_weights + log_q.sum(dim=-1), dim=1)
    return joint, torch.logsumexp(log_weights[..., None] + log_q, dim=1)


def mean_density_ratio(
    log_aggregate: Callable[[Tensor, Gaussian, int], tuple[Tensor, Tensor]],
) -> Tensor:
    """E[q_hat / q] of every sample of a data set, over all batches of 3 in any order."""
    z, q = posteriors(ROWS, 4)
    truth = torch.cat([part.reshape(ROWS, -1) for part in by_broadcast(z, q)], dim=1)
    total, batches = torch.zeros_like(truth), torch.zeros(ROWS, 1)
    for batch in itertools.permutations(range(ROWS), 3):
        rows = torch.tensor(batch)
        joint, factors = log_aggregate(z[rows], q[rows], ROWS)
        total[rows] += torch.cat([joint[:, None], factors], dim=1).exp()
        batches[rows] += 1
    return total / batches / truth.exp()


def test_the_estimated_density_is_unbiased() -> None:
    ratio = mean_density_ratio(log_aggregate_mss)
    assert_close(ratio, torch.ones_like(ratio), rtol=0.0, atol=1e-12)


def test_the_logarithm_of_the_estimated_density_is_too_small() -> None:
    z, q = posteriors(ROWS, 4)
    truth = log_aggregate_mss(z, q)
    total, batches = torch.zeros(ROWS, 5, dtype=torch.float64), torch.zeros(ROWS, 1)
    for batch in itertools.permutations(range(ROWS), 3):
        rows = torch.tensor(batch)
        joint, factors = log_aggregate_mss(z[rows], q[rows], ROWS)
        total[rows] += torch.cat([joint[:, None], factors], dim=1)
        batches[rows] += 1
    bias = total / batches - torch.cat([truth[0][:, None], truth[1]], dim=1)
    assert (bias < 0).all()


def test_a_misplaced_weight_would_be_noticed() -> None:
    ratio = mean_density_ratio(lambda z, q, rows: by_broadcast(z, q, rows, in_the_first_column))
    assert (ratio - 1).abs().max() > 0.1


def test_a_full_batch_is_the_mixture_itself() -> None:
    z, q = posteriors(20, 3)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=torch.zeros(20)),
        torch.distributions.Independent(
            torch.distributions.Normal(q.mean, torch.exp(0.5 * q.log_var)), 1
        ),
    )
    joint: Tensor = mixture.log_prob(z)  # type: ignore[no-untyped-call]  # torch's own gap
    assert_close(log_aggregate_mss(z, q)[0], joint)
    assert_close(log_aggregate_mss(z, q, rows=20)[0], joint)
    factors = [log_aggregate_mss(z[:, j : j + 1], q[:, j : j + 1])[0] for j in range(3)]
    assert_close(total_correlation_mss(z, q), (joint - sum(factors)).mean())


def test_a_large_sample_has_the_closed_form() -> None:
    rows, correlation, noise = 2000, 0.9, 0.3
    mean = torch.randn(rows, 2, dtype=torch.float64)
    mean[:, 1] = correlation * mean[:, 0] + math.sqrt(1 - correlation**2) * mean[:, 1]
    q = Gaussian(mean, torch.full_like(mean, math.log(noise)))
    z = q.sample(torch.randn_like(mean))
    exact = -0.5 * math.log(1 - (correlation / (1 + noise)) ** 2)
    assert abs(total_correlation_mss(z, q).item() - exact) < 0.03
    # A sixteenth of it, as a stratified batch, errs by more, but not by much.
    part = total_correlation_mss(z[:125], q[:125], rows=rows).item()
    assert abs(part - exact) < 0.3


def test_factors_that_know_nothing_share_nothing() -> None:
    same = Gaussian(torch.ones(30, 4, dtype=torch.float64), torch.zeros(30, 4, dtype=torch.float64))
    z = same.sample(torch.randn(30, 4, dtype=torch.float64))
    for rows in (30, 1000):
        assert abs(total_correlation_mss(z, same, rows)) < 1e-12


def test_independent_factors_share_almost_nothing() -> None:
    mean = torch.randn(1500, 2, dtype=torch.float64)
    q = Gaussian(mean, torch.full_like(mean, -1.0))
    assert abs(total_correlation_mss(q.sample(torch.randn_like(mean)), q)) < 0.03


def test_one_factor_has_nothing_to_share_with() -> None:
    z, q = posteriors(6, 1, 5)
    assert abs(total_correlation_mss(z, q, rows=100)) < 1e-12


@pytest.mark.parametrize("shape", [(7, 3), (7, 3, 2), (7, 1)], ids=str)
@pytest.mark.parametrize("rows", [None, 100])
@pytest.mark.parametrize("chunk", [1, 3, 7, None])
def test_the_stream_is_the_broadcast(
    shape: tuple[int, ...], rows: int | None, chunk: int | None
) -> None:
    z, q = posteriors(*shape)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    upstream = [torch.randn(7, dtype=torch.float64), torch.randn(shape[:2], dtype=torch.float64)]
    ours = log_aggregate_mss(z, q, rows, chunk)
    theirs = by_broadcast(z, q, rows)
    assert_close(ours, theirs)
    assert_close(
        torch.autograd.grad(ours, inputs, upstream), torch.autograd.grad(theirs, inputs, upstream)
    )


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 2)], ids=str)
def test_gradients_are_right(shape: tuple[int, ...]) -> None:
    z, q = posteriors(*shape)
    assert torch.autograd.gradcheck(
        lambda z, mean, log_var: total_correlation_mss(z, Gaussian(mean, log_var), 50, chunk=2),
        [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)],
    )


def test_only_what_asks_for_a_gradient_gets_one() -> None:
    z, q = posteriors(5, 3)
    (slope,) = torch.autograd.grad(total_correlation_mss(z.requires_grad_(), q), [z])
    (same,) = torch.autograd.grad(_total(*by_broadcast(z, q)), [z])
    assert_close(slope, same)


def test_a_second_derivative_is_refused() -> None:
    z, q = posteriors(5, 3)
    value = total_correlation_mss(z.requires_grad_(), q)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        torch.autograd.grad(value, [z], create_graph=True)


@pytest.mark.parametrize("log_var", [-60.0, -5.0, 0.0, 60.0])
def test_a_hundred_dimensions_stay_finite(log_var: float) -> None:
    mean = 100 * torch.randn(16, 100)
    q = Gaussian(mean.requires_grad_(), torch.full_like(mean, log_var).requires_grad_())
    value = total_correlation_mss(q.sample(torch.randn_like(mean)), q, rows=1000)
    assert torch.isfinite(value)
    for slope in torch.autograd.grad(value, [q.mean, q.log_var]):
        assert torch.isfinite(slope).all()


def test_single_precision_is_enough() -> None:
    z, q = posteriors(64, 10)
    single = total_correlation_mss(z.float(), Gaussian(q.mean.float(), q.log_var.float()), 5000)
    assert_close(single.double(), total_correlation_mss(z, q, 5000), rtol=1e-5, atol=1e-5)


def test_it_compiles_without_a_break() -> None:
    z, q = posteriors(6, 3)

    def loss(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
        return total_correlation_mss(z, Gaussian(mean, log_var), rows=40, chunk=4)

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    assert torch.equal(compiled(*inputs), loss(*inputs))
    assert_close(
        torch.autograd.grad(compiled(*inputs), inputs), torch.autograd.grad(loss(*inputs), inputs)
    )


def left_out(z: Tensor, q: Gaussian) -> tuple[Tensor, Tensor]:
    """Give all rows' joint log-density, and all other rows' of the factors, by broadcast."""
    log_q = q[None].log_prob(z[:, None])
    log_q = log_q if log_q.ndim == 3 else log_q.sum(dim=-1)
    batch = len(z)
    joint = torch.logsumexp(log_q.sum(dim=-1), dim=1) - math.log(batch)
    own = torch.eye(batch, dtype=torch.bool)[..., None]
    factors = torch.logsumexp(log_q.masked_fill(own, -torch.inf), dim=1) - math.log(batch - 1)
    return joint, factors


@pytest.mark.parametrize("shape", [(7, 3), (7, 3, 2), (7, 1)], ids=str)
@pytest.mark.parametrize("chunk", [1, 3, None])
def test_left_in_and_left_out_are_the_broadcast(shape: tuple[int, ...], chunk: int | None) -> None:
    z, q = posteriors(*shape)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    ours, theirs = total_correlation_loo(z, q, chunk), _total(*left_out(z, q))
    assert_close(ours, theirs)
    assert_close(torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs))


def information_by_broadcast(z: Tensor, q: Gaussian, leave_in: bool) -> Tensor:
    """Give the information of z in its row from one B x B table."""
    log_q = q[None].log_prob(z[:, None]).flatten(2).sum(2)
    own = log_q.diagonal()
    if not leave_in:
        log_q = log_q.masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    count = len(z) if leave_in else len(z) - 1
    return (own - torch.logsumexp(log_q, dim=1) + math.log(count)).mean()


@pytest.mark.parametrize("shape", [(7, 3), (7, 3, 2)], ids=str)
@pytest.mark.parametrize("chunk", [2, None])
@pytest.mark.parametrize("leave_in", [True, False])
def test_information_is_the_broadcast(
    shape: tuple[int, ...], chunk: int | None, leave_in: bool
) -> None:
    z, q = posteriors(*shape)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    ours = (information_leave_in if leave_in else information_loo)(z, q, chunk)
    theirs = information_by_broadcast(z, q, leave_in)
    assert_close(ours, theirs)
    assert_close(torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs))


def test_weighted_sampling_is_its_formula() -> None:
    z, q = posteriors(6, 3)
    log_q = q[None].log_prob(z[:, None])
    joint = torch.logsumexp(log_q.sum(dim=2), dim=1) - math.log(6 * 50)
    factors = torch.logsumexp(log_q, dim=1) - math.log(6 * 50)
    assert_close(total_correlation_mws(z, q, rows=50), _total(joint, factors))


def test_weighted_sampling_is_off_by_a_constant_without_gradient() -> None:
    z, q = posteriors(6, 3)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    mixture = total_correlation_mss(z, q)
    weighted = total_correlation_mws(z, q, rows=50)
    assert_close(weighted - mixture, torch.tensor(2 * math.log(50.0), dtype=torch.float64))
    assert_close(torch.autograd.grad(weighted, inputs), torch.autograd.grad(mixture, inputs))


def batches_of_correlated_means(
    count: int, batch: int, correlation: float, log_var: float
) -> list[tuple[Tensor, Gaussian]]:
    """Draw batches of independent rows: z is Gaussian, with two factors."""
    drawn = []
    for _ in range(count):
        mean = torch.randn(batch, 2, dtype=torch.float64)
        mean[:, 1] = correlation * mean[:, 0] + math.sqrt(1 - correlation**2) * mean[:, 1]
        q = Gaussian(mean, torch.full_like(mean, log_var))
        drawn.append((q.sample(torch.randn_like(mean)), q))
    return drawn


def mean_and_error(values: list[Tensor]) -> tuple[float, float]:
    stacked = torch.stack(values)
    return stacked.mean().item(), stacked.std().item() / math.sqrt(len(values))


def test_leaving_rows_in_and_out_bounds_total_correlation() -> None:
    correlation, noise = 0.9, math.exp(-1.0)
    exact = -0.5 * math.log(1 - (correlation / (1 + noise)) ** 2)
    excess = []
    for batch in (8, 64, 256):
        drawn = batches_of_correlated_means(200, batch, correlation, -1.0)
        mean, error = mean_and_error([total_correlation_loo(z, q) for z, q in drawn])
        assert mean + 3 * error > exact
        excess.append(mean - exact)
    assert excess[0] > excess[1] > excess[2] > 0
    assert excess[2] < 0.1


def test_the_bounds_hold_for_batches_of_a_finite_data_set() -> None:
    """Over all batches of 3 of 5 rows, drawn without replacement, and many samples of each row."""
    _, q = posteriors(ROWS, 2)
    batches = [torch.tensor(batch) for batch in itertools.combinations(range(ROWS), 3)]
    excess: dict[str, list[Tensor]] = {"total correlation": [], "upper": [], "lower": []}
    for _ in range(300):
        z = q.sample(torch.randn(ROWS, 2, dtype=torch.float64))
        total = total_correlation_mss(z, q)  # the whole data set's: exact, but for the sample
        whole = information_leave_in(z, q)
        for name, word, truth in (
            ("total correlation", total_correlation_loo, total),
            ("upper", information_loo, whole),
            ("lower", information_leave_in, whole),
        ):
            values = torch.stack([word(z[rows], q[rows]) for rows in batches])
            excess[name].append(values.mean() - truth)
    for name, sign in (("total correlation", 1), ("upper", 1), ("lower", -1)):
        mean, error = mean_and_error(excess[name])
        assert sign * mean > 3 * error


def test_information_lies_between_its_bounds() -> None:
    correlation, noise = 0.5, math.exp(-1.0)
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    exact = 0.5 * torch.logdet(torch.eye(2) + covariance / noise).item()
    for batch in (8, 64):
        drawn = batches_of_correlated_means(200, batch, correlation, -1.0)
        upper, error = mean_and_error([information_loo(z, q) for z, q in drawn])
        assert upper + 3 * error > exact
        lower, error = mean_and_error([information_leave_in(z, q) for z, q in drawn])
        assert lower - 3 * error < exact


def test_a_row_left_in_never_says_more_than_the_batch_has_room_for() -> None:
    z, q = posteriors(8, 5)
    far = Gaussian(1000 * q.mean, q.log_var)
    assert information_leave_in(far.mean, far) <= math.log(8) + 1e-12
    assert information_loo(far.mean, far) > math.log(8)
    assert information_leave_in(z[:1], q[:1]) == 0.0


@pytest.mark.parametrize("word", [total_correlation_loo, information_loo, information_leave_in])
def test_gradients_of_bounds_are_right(word: Callable[..., Tensor]) -> None:
    z, q = posteriors(5, 3)
    assert torch.autograd.gradcheck(
        lambda z, mean, log_var: word(z, Gaussian(mean, log_var), chunk=2),
        [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)],
    )


@pytest.mark.parametrize("word", [total_correlation_loo, total_correlation_mws, information_loo])
@pytest.mark.parametrize("log_var", [-60.0, 0.0, 60.0])
def test_hundreds_of_dimensions_need_the_log_sum_exp(
    word: Callable[..., Tensor], log_var: float
) -> None:
    mean = torch.randn(16, 200)
    q = Gaussian(mean.requires_grad_(), torch.full_like(mean, log_var).requires_grad_())
    value = word(q.sample(torch.randn_like(mean)), q)
    assert torch.isfinite(value)
    for slope in torch.autograd.grad(value, [q.mean, q.log_var]):
        assert torch.isfinite(slope).all()
    # The mean of densities itself is nothing in single precision, and its logarithm minus infinity.
    if log_var == 60.0:
        assert expect(q.log_prob(q.mean)).exp() == 0.0


@pytest.mark.parametrize("word", [total_correlation_loo, total_correlation_mss, information_loo])
@pytest.mark.parametrize("shape", [(6, 3), (6, 2, 2)], ids=str)
def test_rows_that_are_out_of_each_others_sight_have_gradients(
    word: Callable[..., Tensor], shape: tuple[int, ...]
) -> None:
    """Densities of 0, in single precision, pull nothing, whatever their distance."""
    for log_vars in ([60.0, -60.0], [-60.0, -60.0]):
        log_var = torch.full(shape, log_vars[1])
        log_var[0] = log_vars[0]
        mean = 100 * torch.randn(shape)
        q = Gaussian(mean.requires_grad_(), log_var.requires_grad_())
        value = word(q.sample(torch.randn(shape)), q, chunk=2)
        assert torch.isfinite(value)
        for slope in torch.autograd.grad(value, [q.mean, q.log_var]):
            assert torch.isfinite(slope).all()


@pytest.mark.parametrize("log_vars", [(60.0, -60.0), (-60.0, 60.0), (20.0, -20.0)], ids=str)
def test_the_gradient_is_the_same_however_many_rows_are_done_at_a_time(
    log_vars: tuple[float, float],
) -> None:
    """A weight of next to nothing would be something, times a distance in tiny units."""
    log_var = torch.full((6, 3), log_vars[1], dtype=torch.float64)
    log_var[0] = log_vars[0]
    mean = 100 * torch.randn_like(log_var)
    inputs = [mean.requires_grad_(), log_var.requires_grad_()]
    z = Gaussian(mean, log_var).sample(torch.randn_like(mean))
    found = [total_correlation_mss(z, Gaussian(*inputs), chunk=chunk) for chunk in (None, 2)]
    slopes = [torch.autograd.grad(value, inputs, retain_graph=True) for value in found]
    assert_close(found[0], found[1])
    assert_close(slopes[0], slopes[1], rtol=1e-5, atol=1e-8)


def test_half_precision_is_widened() -> None:
    z, q = posteriors(16, 4)
    half = Gaussian(q.mean.bfloat16(), q.log_var.bfloat16())
    single = Gaussian(half.mean.float(), half.log_var.float())
    for word in (total_correlation_mss, total_correlation_loo, information_leave_in):
        value = word(z.bfloat16(), half)
        assert value.dtype == torch.float32
        assert_close(value, word(z.bfloat16().float(), single), rtol=1e-2, atol=1e-2)


def test_nothing_is_remembered_of_a_tensor_that_changes() -> None:
    z, q = posteriors(6, 3)
    before = total_correlation_loo(z, q)
    z.add_(1.0)
    after = total_correlation_loo(z, q)
    assert after != before
    assert_close(after, _total(*left_out(z, q)))


class LargestTensor(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own gap
    """Remember how many bytes the largest tensor had that an operation made."""

    bytes: int = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  (torch's own signature)
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple) else (made,):
            if isinstance(tensor, Tensor):
                self.bytes = max(self.bytes, tensor.numel() * tensor.element_size())
        return made


def test_nothing_of_size_b_b_d_is_made() -> None:
    z, q = posteriors(300, 32)
    inputs = [tensor.requires_grad_() for tensor in (z, q.mean, q.log_var)]
    with LargestTensor() as largest:  # type: ignore[no-untyped-call]  # torch's own gap
        torch.autograd.grad(total_correlation_mss(z, q), inputs)
    assert 0 < largest.bytes <= 2**20 < 300 * 300 * 32 * 8


def test_sizes_that_do_not_fit_are_refused() -> None:
    z, q = posteriors(4, 3)
    with pytest.raises(OutOfRange, match="rows = 3"):
        total_correlation_mss(z, q, rows=3)
    with pytest.raises(OutOfRange, match="batch size = 1"):
        total_correlation_mss(z[:1], q[:1], rows=10)
    with pytest.raises(ShapeMismatch, match="z has shape"):
        total_correlation_mss(z[:, :2], q)
    with pytest.raises(OutOfRange, match="rows = 3"):
        total_correlation_mws(z, q, rows=3)
    for word in (total_correlation_loo, information_loo):
        with pytest.raises(OutOfRange, match="batch size = 1"):
            word(z[:1], q[:1])
        with pytest.raises(ShapeMismatch, match="z has shape"):
            word(z[:, :2], q)


def _total(joint: Tensor, factors: Tensor) -> Tensor:
    return (joint - factors.sum(dim=1)).mean()
