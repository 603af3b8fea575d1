"""Classes, counts and likelihoods with a scale: how they are read, indexed and scored."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  (torch's own name for it)
from torch.testing import assert_close

from graphdsl_runtime import (
    Bernoulli,
    Categorical,
    Gaussian,
    Laplace,
    MissingInput,
    Poisson,
    ShapeMismatch,
    standard_laplace,
    uniform_categorical,
)


def categorical(*shape: int) -> Categorical:
    return Categorical(torch.randn(shape, dtype=torch.float64))


def test_class_indices_one_hot_vectors_and_cross_entropy_agree() -> None:
    p, index = categorical(6, 3, 5), torch.randint(5, (6, 3))
    reference = F.cross_entropy(p.logits.movedim(-1, 1), index, reduction="none")
    assert_close(p.nll(index), reference)
    assert_close(p.nll(F.one_hot(index, 5).double()), reference)
    assert_close(p.log_prob(index), -reference)


def test_a_relaxed_value_is_the_mean_over_its_classes() -> None:
    p, value = categorical(6, 5), torch.softmax(torch.randn(6, 5, dtype=torch.float64), dim=-1)
    each = torch.stack([p.nll(torch.full((6,), c)) for c in range(5)], dim=-1)
    assert_close(p.nll(value), (value * each).sum(dim=-1))


def test_one_hot_and_indices_have_the_same_gradient() -> None:
    p, index = categorical(6, 5), torch.randint(5, (6,))
    p.logits.requires_grad_()
    by_index = torch.autograd.grad(p.nll(index).sum(), p.logits)
    by_vector = torch.autograd.grad(p.nll(F.one_hot(index, 5).double()).sum(), p.logits)
    assert_close(by_index, by_vector)
    assert_close(by_index[0], p.mean.detach() - F.one_hot(index, 5))


def test_indices_in_floating_point_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"over the classes .*\(6,\); expected \(\*, 5"):
        categorical(6, 5).nll(torch.zeros(6, dtype=torch.float64))


def test_values_broadcast_over_samples() -> None:
    p, index = categorical(6, 4, 2, 5), torch.randint(5, (6, 1, 2))
    assert_close(p.nll(index), p.nll(index.expand(6, 4, 2)))
    coin, value = Bernoulli(torch.randn(6, 4, 2)), torch.rand(6, 1, 2)
    assert_close(coin.nll(value), coin.nll(value.expand(6, 4, 2)))


def test_far_logits_have_exact_tails() -> None:
    p = Categorical(torch.tensor([[1e4, 0.0, -1e4]]))
    assert_close(p.nll(torch.tensor([2])), torch.tensor([2e4]))
    assert torch.equal(p.nll(torch.tensor([0])), torch.zeros(1))
    assert torch.equal(p.entropy(), torch.zeros(1))


def test_the_mode_is_the_likeliest_class() -> None:
    p = categorical(6, 3, 5)
    assert p.mode.dtype == torch.int64
    assert torch.equal(p.mode, p.mean.argmax(-1))
    assert (p.nll(p.mode) <= p.nll(torch.randint(5, (6, 3)))).all()


def test_categories_split_stack_and_index() -> None:
    output = torch.randn(6, 12)
    three = Categorical.split(output, 4)
    assert torch.equal(three.logits, output.reshape(6, 3, 4))
    assert torch.equal(Categorical.split(output, 2, (3, 2)).logits, output.reshape(6, 3, 2, 2))
    assert Categorical.split(output, 12, ()).logits.shape == (6, 12)
    both = Categorical.stack([three, three])
    assert both.logits.shape == (6, 2, 3, 4)
    assert torch.equal(both[:, 1].logits, three.logits)


@pytest.mark.parametrize(("classes", "shape"), [(5, None), (4, (4,)), (4, ())])
def test_split_refuses_what_does_not_hold_so_many(
    classes: int, shape: tuple[int, ...] | None
) -> None:
    with pytest.raises(ShapeMismatch, match="a categorical's logits has shape"):
        Categorical.split(torch.zeros(2, 12), classes, shape)


def test_the_uniform_prior_scores_vectors_and_refuses_indices() -> None:
    one_hot = torch.eye(4)
    assert_close(uniform_categorical.log_prob(one_hot), torch.full((4,), -math.log(4)))
    with pytest.raises(ShapeMismatch, match=r"a class index has shape \(2,\); expected \(\*, k\)"):
        uniform_categorical.log_prob(torch.tensor([0, 1]))


def test_the_rate_of_a_class_is_at_most_log_k() -> None:
    rate = Categorical(100 * torch.randn(1000, 7)).kl(uniform_categorical)
    assert (rate <= math.log(7) + 1e-6).all()
    assert (Categorical(torch.randn(1000, 7)).kl(uniform_categorical) > 0).all()


def test_draw_takes_the_mean_without_noise_and_a_sample_with_it() -> None:
    p, noise = categorical(6, 5), torch.randn(6, 5, dtype=torch.float64)
    q = Laplace(*torch.randn(2, 6, 5, dtype=torch.float64))
    assert torch.equal(p.draw(None, "y"), p.mean)
    assert torch.equal(p.draw({"y": noise}, "y"), p.sample(noise))
    assert torch.equal(q.draw(None, "y"), q.loc)
    assert torch.equal(q.draw({"y": noise}, "y"), q.sample(noise))
    for one in (p, q):
        with pytest.raises(MissingInput, match="y is missing"):
            one.draw({"z": noise}, "y")


@pytest.mark.parametrize("seen", [torch.rand(6) > 0.5, torch.rand(6, 2) > 0.5], ids=["row", "view"])
def test_what_was_not_seen_leaves_the_prior(seen: torch.Tensor) -> None:
    p, q = categorical(6, 2, 3), Laplace(*torch.randn(2, 6, 2, 3, dtype=torch.float64))
    for parameter in (p.logits, q.loc, q.log_scale):
        parameter[~seen] = torch.nan
    nothing = p.or_prior(seen).kl(uniform_categorical)[~seen]
    assert_close(nothing, torch.zeros_like(nothing))
    assert torch.equal(p.or_prior(seen).logits[seen], p.logits[seen])
    nowhere = q.or_prior(seen).kl(standard_laplace)[~seen]
    assert torch.equal(nowhere, torch.zeros_like(nowhere))
    assert torch.equal(q.or_prior(seen).loc[seen], q.loc[seen])


def test_counts_have_torchs_likelihood() -> None:
    p, counts = Poisson(torch.randn(6, 4, dtype=torch.float64)), torch.randint(40, (6, 4)).double()
    log_prob: torch.Tensor = torch.distributions.Poisson(p.mean).log_prob(counts)  # type: ignore[no-untyped-call]  # torch's own gap
    assert_close(p.log_prob(counts), log_prob)
    assert_close(p.nll(counts), -log_prob)


def test_counts_and_laplaces_stack_and_index() -> None:
    p, q = Poisson(torch.randn(6, 4)), Laplace(torch.randn(6, 4), torch.randn(6, 4))
    assert torch.equal(Poisson.stack([p, p])[:, 1].log_rate, p.log_rate)
    both = Laplace.stack([q, q])[:, 1]
    assert torch.equal(both.loc, q.loc)
    assert torch.equal(both.log_scale, q.log_scale)


def test_a_laplace_splits_as_a_gaussian_does() -> None:
    output = torch.randn(5, 2, 24)
    ours, theirs = Laplace.split(output, (3, 4)), Gaussian.split(output, (3, 4))
    assert torch.equal(ours.loc, theirs.mean)
    assert torch.equal(ours.log_scale, theirs.log_var)
    with pytest.raises(ShapeMismatch, match="a Laplace's parameters"):
        Laplace.split(torch.zeros(2, 5))


def test_a_learned_scale_is_best_at_the_mean_squared_error() -> None:
    mean, value = torch.randn(2, 50, 8, dtype=torch.float64)
    log_var = (value - mean).square().mean(dim=0).log().requires_grad_()
    cost = Gaussian.of_scale(mean, log_var).nll(value).mean()
    (slope,) = torch.autograd.grad(cost, log_var)
    assert_close(slope, torch.zeros_like(slope))
    assert_close(Gaussian.of_scale(mean, 0.0).nll(value), Gaussian.unit(mean).nll(value))


def test_the_conditional_prior_of_ivae_is_an_exponential_family() -> None:
    log_var, z = torch.randn(5, 3, dtype=torch.float64), torch.randn(9, 5, 3, dtype=torch.float64)
    log_p = Gaussian.centred(log_var).log_prob(z)
    # log p(z | w) = lambda(w) T(z) - Gamma(w), with T(z) = z^2.
    natural, normaliser = -0.5 * torch.exp(-log_var), 0.5 * (log_var + math.log(2 * math.pi))
    assert_close(log_p, natural * z.square() - normaliser)
    q = Gaussian(*torch.randn(2, 5, 3, dtype=torch.float64))
    assert_close(q.kl(Gaussian.centred(log_var)), q.kl(Gaussian(0 * log_var, log_var)))


def test_labels_that_some_rows_have_make_the_published_bounds() -> None:
    """Kingma et al. 2014, eqs. 6 and 7: where y is known, and where it is inferred."""
    rows, classes = 6, 4
    logits = torch.randn(rows, classes, dtype=torch.float64, requires_grad=True)
    prior = torch.randn(classes, dtype=torch.float64).log_softmax(0)
    of_class = torch.randn(
        rows, classes, dtype=torch.float64
    )  # -log p(x | y, z) + rate, for each y
    label, seen = torch.randint(classes, (rows,)), torch.arange(rows) % 2 == 0
    q = Categorical(logits).or_known(
        seen, torch.where(seen, label, 99)
    )  # what is unseen is no class
    bound = (q.mean * of_class).sum(dim=1) + q.kl(Categorical(prior.expand(rows, classes)))
    labelled = (of_class - prior).gather(1, label[:, None]).squeeze(1)
    log_q = logits.log_softmax(1)
    unlabelled = (log_q.exp() * (of_class - prior + log_q)).sum(dim=1)
    assert_close(bound, torch.where(seen, labelled, unlabelled))
    (slopes,) = torch.autograd.grad(bound.sum(), logits)
    assert not slopes[seen].any()
    assert slopes[~seen].any(dim=1).all()
    assert (q.sample(torch.randn(rows, classes)).argmax(dim=1) == label)[seen].all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_known_coin_is_certain_in_every_precision(dtype: torch.dtype) -> None:
    value = torch.tensor([0.0, 1.0, torch.nan])
    seen = torch.tensor([True, True, False])
    inferred = torch.zeros(3, dtype=dtype, requires_grad=True)
    coin, prior = Bernoulli(inferred).or_known(seen, value), Bernoulli(torch.ones(3, dtype=dtype))
    assert torch.equal(coin.mean, torch.tensor([0.0, 1.0, 0.5], dtype=dtype))
    assert torch.equal(coin.kl(prior)[:2], prior.nll(value.to(dtype))[:2])
    (slope,) = torch.autograd.grad(coin.kl(prior).sum(), inferred)
    assert torch.isfinite(slope).all()
    assert not slope[:2].any()
