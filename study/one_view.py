"""Specs of one view: bounds, factors, samples, codes."""

from __future__ import annotations

__all__ = [
    "anchored",
    "bound",
    "conditioned",
    "disentangled",
    "explained",
    "sampled",
    "told_codes",
]

import torch
from torch import Tensor, nn

from graphdsl_runtime import Objective
from study import judges
from study.data import digits_batch, labels, pixels
from study.rows import OFF, Figure, Row, Setting, on_digits, with_and_without
from study.training import emitted, train


def bound(spec: str, setting: Setting) -> Row:
    """The loss on unseen digits, against pixels that are independent."""
    ours, (known, unseen) = on_digits(spec, setting), setting.digits()
    losses = judges.losses(ours.objective, digits_batch(ours.objective, unseen))
    alone = judges.cost_of_independent_pixels(pixels(known), pixels(unseen))
    figures = (
        Figure("loss on unseen digits, nats; lower", losses["loss"], alone),
        Figure("reconstruction, nats", losses["reconstruction_x"], alone),
    )
    return Row(spec, "digits", figures, "-log p of independent pixels", ours)


def explained(spec: str, setting: Setting) -> Row:
    """The loss on unseen digits, against the same on lines that are of other digits each.

    Of those TC(x) is 0, and the entropy of each line is what it is: the difference is what the
    latents explain of TC(x), as far as the bounds are alike.
    """
    found = []
    for apart in (False, True):
        torch.manual_seed(setting.seed)
        objective = emitted(spec)()
        known, unseen = setting.digits()
        batch = digits_batch(objective, torch.cat([known, unseen]))
        x = batch["x"].clone()
        if apart:
            x = torch.cat([judges.permuted(x[: len(known)]), judges.permuted(x[len(known) :])])
        one = train(
            objective,
            lambda rows, x=x: {"x": x[rows]},  # type: ignore[misc]
            torch.arange(len(known)),
            setting.steps,
            setting.seed,
        )
        found.append((one, judges.losses(one.objective, {"x": x[len(known) :]})))
    (ours, losses), (_, other) = found
    figures = (
        Figure("loss on unseen digits, nats; lower", losses["loss"], other["loss"]),
        Figure("rate of all factors, nats", losses["rate_z"], other["rate_z"]),
    )
    return Row(spec, "digits", figures, "the same, of lines of other digits each", ours)


def disentangled(spec: str, setting: Setting) -> Row:
    """The total correlation of the factors of unseen digits."""
    ours, control, said = with_and_without(spec, setting)
    unseen = setting.digits()[1]
    tc = [judges.normal_total_correlation(one.objective, unseen) for one in (ours, control)]
    costs = [
        judges.losses(one.objective, digits_batch(one.objective, unseen))["reconstruction_x"]
        for one in (ours, control)
    ]
    figures = (
        Figure("TC of a normal with the covariance of q(u), nats; lower", tc[0], tc[1]),
        Figure("reconstruction, nats; lower", costs[0], costs[1]),
    )
    return Row(spec, "digits", figures, said, ours)


def sampled(spec: str, setting: Setting) -> Row:
    """A classifier's confidence in samples, and how many classes they are of."""
    known, unseen = setting.digits()
    x = pixels(known)
    network = judges.classifier(tuple(known.tolist()), steps=setting.judging)
    if spec in OFF:
        ours, control, said = with_and_without(spec, setting)
        other = _samples(control.objective)
    else:
        ours, said = on_digits(spec, setting), "pixels of other digits each"
        torch.manual_seed(0)
        other = judges.permuted(x)[:1_000]
    made, apart = (
        judges.confidence_and_spread(network, one) for one in (_samples(ours.objective), other)
    )
    true = judges.confidence_and_spread(network, pixels(unseen))
    figures: tuple[Figure, ...] = (
        Figure(
            f"a classifier's confidence in samples; higher ({true[0]:.3f} in digits)",
            made[0],
            apart[0],
        ),
        Figure(
            f"entropy of their labels, nats; higher ({true[1]:.2f} of digits)", made[1], apart[1]
        ),
    )
    if spec in OFF or spec == "ali":
        made_again = _recognised(ours.objective, network, unseen)
        again = _recognised(control.objective, network, unseen) if spec in OFF else 0.1
        figures += (Figure("class of reconstructions told right; higher", made_again, again),)
    return Row(spec, "digits", figures, said, ours)


def _samples(objective: Objective) -> Tensor:
    torch.manual_seed(0)
    return objective.generate(1_000)["x"]


def _recognised(objective: Objective, network: nn.Module, rows: Tensor) -> float:
    posterior = objective.infer(digits_batch(objective, rows))
    made = objective.decode({name: one.mean for name, one in posterior.items()})["x"].mean
    return judges.accuracy_of(network, made, labels(rows))


def told_codes(spec: str, setting: Setting) -> Row:
    """How much of the code a classifier of digits finds in the samples."""
    ours, control, said = with_and_without(spec, setting)
    network = judges.classifier(tuple(setting.digits()[0].tolist()), steps=setting.judging)
    shared, sure = [], []
    for one in (ours, control):
        torch.manual_seed(0)
        noise = one.objective.draw_noise(torch.zeros(2_000))
        code = one.objective.ancestral_sample(noise, {})
        x = one.objective.decode(code)["x"].mean
        shared.append(judges.shared_information(code["c"].argmax(1), network(x).argmax(1)))
        sure.append(judges.confidence_and_spread(network, x))
    figures = (
        Figure("I(code; class of the sample), nats; higher", shared[0], shared[1]),
        Figure("a classifier's confidence in samples; higher", sure[0][0], sure[1][0]),
        Figure("entropy of their labels, nats; higher", sure[0][1], sure[1][1]),
    )
    return Row(spec, "digits", figures, said, ours)


def anchored(spec: str, setting: Setting) -> Row:
    """How well the anchors alone tell of unseen digits, and what all of them cost."""
    ours, control, said = with_and_without(spec, setting)
    known, unseen = setting.digits()
    told, costs = [], []
    for one in (ours, control):
        z = [judges.drawn(one.objective, rows, ("z",))[:, :4] for rows in (known, unseen)]
        told.append(judges.leakage(z, (labels(known), labels(unseen)), 10, setting.judging))
        terms = judges.losses(one.objective, digits_batch(one.objective, unseen))
        costs.append(terms["reconstruction_x"] + terms["rate_z"])
    figures = (
        Figure("accuracy of the digit from the 4 anchors of 16 factors; higher", told[0], told[1]),
        Figure("-ELBO of unseen digits, nats; lower", costs[0], costs[1]),
    )
    return Row(spec, "digits", figures, said, ours)


def conditioned(spec: str, setting: Setting) -> Row:
    """How often samples are of the class that was asked for, against a VAE that cannot be asked."""
    ours, control = on_digits(spec, setting), on_digits("vae", setting)
    known, unseen = setting.digits()
    network = judges.classifier(tuple(known.tolist()), steps=setting.judging)
    asked = labels(unseen)
    torch.manual_seed(0)
    made = ours.objective.generate(len(unseen), {"a": asked})["x"]
    other = control.objective.generate(len(unseen))["x"]
    right = [judges.accuracy_of(network, one, asked) for one in (made, other)]
    costs = [
        judges.losses(one.objective, digits_batch(one.objective, unseen))["loss"]
        for one in (ours, control)
    ]
    figures = (
        Figure("samples of the class asked for; higher", right[0], right[1]),
        Figure("loss on unseen digits, nats; lower", costs[0], costs[1]),
    )
    return Row(spec, "digits", figures, "a VAE, which is not told the class", ours)
