"""Bounds of information against exact tables, formulas by hand, and autograd."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.testing import assert_close

from graphdsl_runtime import (
    Bernoulli,
    Gaussian,
    Mine,
    OutOfRange,
    ShapeMismatch,
    barber_agakov,
    club,
    conditional_information_by_difference,
    contrast,
    donsker_varadhan,
    expect,
    info_nce,
    infogan_bound,
    jensen_shannon_information,
    nwj,
    smile,
)

#: How often every pair (x, y) occurs: expectations are then sums over a list of pairs, exactly.
COUNTS = torch.tensor([[5, 1, 2], [0, 4, 1], [3, 2, 6]])


def joint_table() -> Tensor:
    return COUNTS.double() / COUNTS.sum()


def log_ratio() -> Tensor:
    joint = joint_table()
    product = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    return (joint / product).log().clamp(min=-1e3)  # a pair that never occurs


def information() -> Tensor:
    joint = joint_table()
    return torch.where(joint > 0, joint * log_ratio(), 0.0).sum()


def on_pairs(table: Tensor) -> tuple[Tensor, Tensor]:
    """Give a critic's scores of all pairs that occur, and of each x with each y."""
    x, y = torch.arange(3), torch.arange(3)
    pairs = torch.cartesian_prod(x, y).repeat_interleave(COUNTS.flatten(), dim=0)
    return table[pairs[:, 0], pairs[:, 1]], table[pairs[:, 0][:, None], pairs[:, 1][None]]


def test_the_best_critic_closes_the_gaps() -> None:
    joint, product = on_pairs(log_ratio())
    assert_close(nwj(joint + 1, product + 1), information())
    assert_close(donsker_varadhan(joint, product), information())
    assert_close(donsker_varadhan(joint + 7, product + 7), information())
    assert_close(smile(joint, product, clip=1e4), information())


def test_no_critic_lifts_a_lower_bound_over_the_information() -> None:
    for _ in range(50):
        joint, product = on_pairs(torch.randn(3, 3, dtype=torch.float64) + log_ratio())
        assert nwj(joint, product) <= donsker_varadhan(joint, product) <= information()


def test_clipping_can_lift_smile_over_the_information() -> None:
    joint, product = on_pairs(log_ratio() - 1.0)
    clipped = smile(joint + 3.0, product + 3.0, clip=0.0)
    assert clipped > information()


def test_jensen_shannon_is_that_of_the_tables() -> None:
    joint = joint_table()
    product = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    middle = (joint + product) / 2
    exact = 0.5 * (torch.xlogy(joint, joint / middle) + torch.xlogy(product, product / middle))
    scores = on_pairs(log_ratio())
    assert_close(jensen_shannon_information(*scores), exact.sum())
    for _ in range(20):
        scores = on_pairs(torch.randn(3, 3, dtype=torch.float64))
        assert jensen_shannon_information(*scores) <= exact.sum()


def test_barber_agakov_is_tight_for_the_posterior_and_never_above() -> None:
    joint = joint_table()
    marginal = joint.sum(dim=0)
    entropy = -torch.xlogy(marginal, marginal).sum()
    exact = (joint / joint.sum(1, keepdim=True)).log().clamp(min=-1e3)
    assert_close(barber_agakov(-on_pairs(exact)[0], entropy), information())
    for _ in range(20):
        other = torch.randn(3, 3, dtype=torch.float64).log_softmax(dim=1)
        assert barber_agakov(-on_pairs(other)[0], entropy) <= information()


def test_barber_agakov_sums_what_a_row_has() -> None:
    logits, target = torch.randn(4, 3, 2), torch.rand(4, 3, 2).round()
    nll = Bernoulli(logits).nll(target)
    assert_close(barber_agakov(nll, 2.0), 2.0 - nll.sum() / 4)


def test_infogans_bound_is_the_codes_entropy_less_its_cross_entropy() -> None:
    logits, code = torch.randn(6, 4), torch.randint(4, (6,))
    by_hand = math.log(4) + logits.log_softmax(1)[torch.arange(6), code].mean()
    assert_close(infogan_bound(logits, code), by_hand)
    assert infogan_bound(1e4 * functional.one_hot(code, 4).float(), code) <= math.log(4) + 1e-6
    prior = torch.tensor([0.5, 0.5, 0.0, 0.0])
    assert_close(infogan_bound(logits, code, prior) - by_hand, torch.tensor(-math.log(2)))
    with pytest.raises(ShapeMismatch, match="prior has shape"):
        infogan_bound(logits, code, prior[:3])


def test_info_nce_classifies_and_never_exceeds_the_room() -> None:
    scores = 5 * torch.randn(7, 7, dtype=torch.float64)
    by_hand = math.log(7) - functional.cross_entropy(scores, torch.arange(7))
    assert_close(info_nce(scores.diagonal(), scores), by_hand)
    sure = 1e5 * torch.eye(7, dtype=torch.float64)
    assert info_nce(sure.diagonal(), sure) <= math.log(7) + 1e-12
    assert info_nce(scores[0, :1], scores[:1, :1]) == 0.0  # a batch of one
    with pytest.raises(ShapeMismatch, match="joint has shape"):
        info_nce(scores.diagonal()[:3], scores)


def test_info_nce_is_exact_in_expectation_for_a_table() -> None:
    """With K = 2, its expectation is a sum over two pairs and one contrast."""
    weights, table = joint_table(), log_ratio()
    pairs = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    total = torch.zeros((), dtype=torch.float64)
    for x, y in pairs:
        for other_x, other_y in pairs:
            xs, ys = torch.stack([x, other_x]), torch.stack([y, other_y])
            scores = table[xs[:, None], ys[None]]
            total += weights[x, y] * weights[other_x, other_y] * info_nce(scores.diagonal(), scores)
    assert 0 < total < information()


@pytest.mark.parametrize("chunk", [1, 3, None])
def test_the_stream_is_the_table_of_scores(chunk: int | None) -> None:
    left, right = (torch.randn(7, 4, dtype=torch.float64).requires_grad_() for _ in range(2))
    scores = left @ right.T
    others = scores.flatten()[1:].view(6, 8)[:, :-1]
    streamed = contrast(left, right, chunk=chunk)
    for ours, theirs in (
        (info_nce(streamed.joint, streamed.everyone), info_nce(scores.diagonal(), scores)),
        (nwj(streamed.joint, streamed.others), nwj(scores.diagonal(), others)),
        (
            donsker_varadhan(streamed.joint, streamed.others),
            donsker_varadhan(scores.diagonal(), others),
        ),
    ):
        assert_close(ours, theirs)
        assert_close(
            torch.autograd.grad(ours, [left, right], retain_graph=True),
            torch.autograd.grad(theirs, [left, right], retain_graph=True),
        )


def test_a_pair_of_unlike_samples_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="right has shape"):
        contrast(torch.zeros(3, 2), torch.zeros(4, 2))


def test_a_second_derivative_of_a_stream_is_refused() -> None:
    left = torch.randn(4, 2).requires_grad_()
    with pytest.raises(NotImplementedError, match="no second derivative"):
        torch.autograd.grad(contrast(left, left).others.sum(), left, create_graph=True)


def test_a_batch_of_one_has_no_others() -> None:
    left = torch.ones(1, 2).requires_grad_()
    alone = contrast(left, torch.ones(1, 2))
    assert alone.others.shape == (0,)
    assert alone.everyone == alone.joint
    (slope,) = torch.autograd.grad(info_nce(alone.joint, alone.everyone), left)
    assert torch.equal(slope, torch.zeros(1, 2))
    for word in (nwj, donsker_varadhan, smile):
        with pytest.raises(OutOfRange, match="number of scores = 0"):
            word(alone.joint, alone.others)


def test_gradients_are_right() -> None:
    joint = torch.randn(5, dtype=torch.float64).requires_grad_()
    product = torch.randn(5, 4, dtype=torch.float64).requires_grad_()
    words: list[Callable[[Tensor, Tensor], Tensor]] = [
        nwj,
        donsker_varadhan,
        lambda joint, product: smile(joint, product, clip=1.0),
        jensen_shannon_information,
        info_nce,
    ]
    for word in words:
        assert torch.autograd.gradcheck(word, [joint, product])
    code, prior = torch.tensor([1, 0, 2, 1, 1]), torch.full((4,), 0.25, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda logits, prior: infogan_bound(logits, code, prior), [product, prior.requires_grad_()]
    )
    left, right = (torch.randn(4, 2, dtype=torch.float64).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(
        lambda left, right: tuple(contrast(left, right, chunk=3)), [left, right]
    )


def conditional(batch: int, dimension: int) -> tuple[Tensor, Gaussian]:
    q = Gaussian(*(torch.randn(batch, dimension, dtype=torch.float64) for _ in range(2)))
    return q.sample(torch.randn(batch, dimension, dtype=torch.float64)), q


def test_club_is_the_contrast_of_all_other_rows() -> None:
    y, q = conditional(6, 3)
    table = q[:, None].log_prob(y[None]).sum(dim=2)  # row b's density of row c's y
    others = (table.sum(dim=1) - table.diagonal()) / 5
    assert_close(club(y, q), (table.diagonal() - others).mean())
    assert torch.autograd.gradcheck(
        lambda y, mean, log_var: club(y, Gaussian(mean, log_var)),
        [tensor.requires_grad_() for tensor in (y, q.mean, q.log_var)],
    )
    with pytest.raises(OutOfRange, match="batch size = 1"):
        club(y[:1], q[:1])
    with pytest.raises(ShapeMismatch, match="y has shape"):
        club(y[:, :2], q)


def test_club_bounds_a_gaussian_channel_by_its_own_gap() -> None:
    noise = 0.5
    x = torch.randn(200_000, 1, dtype=torch.float64)
    q = Gaussian(x, torch.full_like(x, math.log(noise)))
    value = club(q.sample(torch.randn_like(x)), q)
    # I = log(1 + 1/noise) / 2, and KL(p(x) p(y) || p(x, y)) = 1/noise - I.
    assert abs(value - 1 / noise) < 0.03
    assert value > 0.5 * math.log(1 + 1 / noise)


def test_the_chain_rule_is_a_difference() -> None:
    joint = torch.rand(2, 3, 4, dtype=torch.float64)
    joint /= joint.sum()

    def entropy(*kept: int) -> Tensor:
        summed = [axis for axis in range(3) if axis not in kept]
        table = joint.sum(dim=summed) if summed else joint
        return -torch.xlogy(table, table).sum()

    whole = entropy(0) + entropy(1, 2) - entropy(0, 1, 2)
    part = entropy(0) + entropy(2) - entropy(0, 2)
    exact = entropy(0, 2) + entropy(1, 2) - entropy(0, 1, 2) - entropy(2)
    assert_close(conditional_information_by_difference(whole, part), exact)


def corrected(joint: Tensor, product: Tensor, average: Tensor) -> Tensor:
    """Give the surrogate whose gradient is the corrected one, by hand."""
    return joint.mean() - product.exp().mean() / average


def test_mine_divides_its_gradient_by_the_moving_average() -> None:
    mine = Mine(rate=0.25)
    weights = torch.zeros(())
    moments = torch.zeros(())
    for _ in range(4):
        joint = torch.randn(6).requires_grad_()
        product = torch.randn(6, 5).requires_grad_()
        value = mine(joint, product)
        assert_close(value, donsker_varadhan(joint, product))
        moments = 0.75 * moments + 0.25 * product.detach().exp().mean()
        weights = 0.75 * weights + 0.25
        by_hand = corrected(joint, product, moments / weights)
        assert_close(
            torch.autograd.grad(value, [joint, product]),
            torch.autograd.grad(by_hand, [joint, product]),
        )


def test_mine_begins_with_the_plain_gradient_and_rate_one_stays_there() -> None:
    for mine, steps in ((Mine(), 1), (Mine(rate=1.0), 3)):
        for _ in range(steps):
            joint, product = torch.randn(6).requires_grad_(), torch.randn(6).requires_grad_()
            assert_close(
                torch.autograd.grad(mine(joint, product), [joint, product]),
                torch.autograd.grad(donsker_varadhan(joint, product), [joint, product]),
            )


def test_mines_average_is_saved_and_moves_in_training_alone() -> None:
    mine = Mine()
    mine(torch.zeros(3), torch.ones(3))
    state = {name: tensor.clone() for name, tensor in mine.state_dict().items()}
    assert set(state) == {"log_average", "weight"}
    mine.eval()
    mine(torch.zeros(3), torch.full((3,), 9.0))
    assert_close(dict(mine.state_dict()), state)
    with pytest.raises(OutOfRange, match="rate = 0"):
        Mine(rate=0.0)


def test_the_plain_gradient_is_biased_and_the_corrected_one_is_less() -> None:
    """Over batches of two from a skewed product, for f = theta * y at theta = 1."""
    y = torch.tensor([0.0, 0.0, 0.0, 3.0])
    exact = (y.exp() * y).mean() / y.exp().mean()
    batches = [torch.stack([first, second]) for first in y for second in y]
    slopes = {}
    for name, mine in (("plain", Mine(rate=1.0)), ("corrected", Mine(rate=0.001))):
        for _ in range(300):  # the average settles
            for batch in batches:
                mine(torch.zeros(1), batch)
        theta = torch.ones((), requires_grad=True)
        each = [
            torch.autograd.grad(-mine(torch.zeros(1), theta * batch), theta)[0] for batch in batches
        ]
        slopes[name] = torch.stack(each).mean()
    assert abs(slopes["corrected"] - exact) < 0.1 * abs(slopes["plain"] - exact)


def test_an_expectation_is_of_rows() -> None:
    nll = torch.rand(3, 5)
    assert_close(barber_agakov(nll), -expect(nll))
