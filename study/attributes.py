"""Specs of attributes and labels: what a latent tells of them, and what it should not.

The attribute is whether a digit is odd, the label whether it is 5 or more: a representation that is
fair to the first has to keep the second.
"""

from __future__ import annotations

__all__ = [
    "bottleneck",
    "diva",
    "fair",
    "few_labels",
    "flexible",
    "limited",
    "of_nuisance",
    "structural",
]

import torch
from torch import Tensor

from graphdsl_runtime import Categorical, Multiplier, Objective
from study import judges
from study.data import digits_batch, labels, pixels
from study.rows import Figure, Row, Setting, on_digits, with_and_without
from study.training import Trained, emitted, train

_ALONE = """
model alone
observed x : binary[64]
latent   u : real[8] ~ normal
q { x -> u  via mlp(400, 400) }
p { u -> x  via mlp(400, 400) }
minimize KL(q || p)
"""
_LABELLED = 100
_ODD = "accuracy of odd from {}; lower"
_LARGE = "accuracy of 5 or more from {}; higher"


def fair(spec: str, setting: Setting) -> Row:
    """How often the attribute, odd or even, is told from the latent that should not tell it."""
    ours, control = on_digits(spec, setting), on_digits(_ALONE, setting)
    both = [
        _told(one.objective, setting, latents)["large"]
        for one, latents in ((ours, ("z", "u")), (control, ("u",)))
    ]
    figures = (
        *_fairness(ours, control, setting, "u"),
        Figure(_LARGE.format("z and u"), both[0], both[1]),
    )
    return Row(spec, "digits", figures, "a VAE, its only latent u", ours)


def of_nuisance(spec: str, setting: Setting) -> Row:
    """The same for the only latent that there is."""
    ours, control, said = with_and_without(spec, setting)
    return Row(spec, "digits", _fairness(ours, control, setting, "z"), said, ours)


def limited(spec: str, setting: Setting) -> Row:
    """The constraint, held on unseen digits, and what the latent tells; against a wide limit."""
    ours, control = on_digits(spec, setting), on_digits(spec, setting, constants={"limit": 1_000})
    unseen = setting.digits()[1]
    rates, prices = [], []
    for one in (ours, control):
        losses = judges.losses(one.objective, digits_batch(one.objective, unseen))
        rates.append(losses["rate_z"])
        prices.append(_price(one.objective))
    figures = (
        Figure("rate of unseen digits, nats; 5 at most", rates[0], rates[1]),
        Figure("its multiplier", prices[0], prices[1]),
        *_fairness(ours, control, setting, "z"),
    )
    return Row(spec, "digits", figures, "a limit of 1000 nats", ours)


def flexible(spec: str, setting: Setting) -> Row:
    """What factors tell of the attribute that is not theirs, and its own factor of it."""
    ours, control, said = with_and_without(spec, setting)
    known, unseen = setting.digits()
    found = []
    for one in (ours, control):
        b = [judges.drawn(one.objective, rows, ("b",)) for rows in (known, unseen)]
        rest, own = [some[:, 1:] for some in b], [some[:, :1] for some in b]
        odd = [labels(rows) % 2 for rows in (known, unseen)]
        large = [(labels(rows) >= 5).long() for rows in (known, unseen)]
        cases = (rest, odd), (own, odd), (rest, large)
        found.append([judges.leakage(z, y, 2, setting.judging) for z, y in cases])
    saids = (
        _ODD.format("all factors but its own"),
        "accuracy of odd from its own factor; higher",
        _LARGE.format("all factors but that of odd"),
    )
    figures = tuple(map(Figure, saids, *found))
    return Row(spec, "digits", figures, said, ours)


def diva(spec: str, setting: Setting) -> Row:
    """What the latents of class and of domain tell of both."""
    ours, control, said = with_and_without(spec, setting)
    known, unseen = setting.digits()
    figures = []
    for latent, asked, way in (
        ("zy", "y", "higher"),
        ("zy", "d", "lower"),
        ("zd", "d", "higher"),
        ("zd", "y", "lower"),
    ):
        values = []
        for one in (ours, control):
            z = [judges.drawn(one.objective, rows, (latent,)) for rows in (known, unseen)]
            y = [digits_batch(one.objective, rows)[asked] for rows in (known, unseen)]
            classes = 10 if asked == "y" else 3
            values.append(judges.leakage(z, y, classes, setting.judging))
        name = "digit" if asked == "y" else "domain"
        figures.append(Figure(f"accuracy of the {name} from {latent}; {way}", *values))
    return Row(spec, "digits", tuple(figures), said, ours)


def few_labels(spec: str, setting: Setting) -> Row:
    """What q says of unseen digits where 100 have a label, against a classifier of these alone."""
    known, unseen = setting.digits()
    dice = torch.Generator().manual_seed(setting.seed)
    some = known[torch.randperm(len(known), generator=dice)[:_LABELLED]]
    torch.manual_seed(setting.seed)
    objective = emitted(spec)()

    def batch_of(rows: Tensor) -> dict[str, Tensor]:
        return {**digits_batch(objective, rows), "seen(y)": torch.isin(rows, some)}

    ours = train(objective, batch_of, known, setting.steps, setting.seed)
    posterior = objective.infer({"x": digits_batch(objective, unseen)["x"]})["y"]
    assert isinstance(posterior, Categorical)
    told = (posterior.logits.argmax(1) == labels(unseen)).float().mean().item()
    alone = judges.fitted(pixels(some), labels(some), 10, setting.judging)
    right = judges.accuracy_of(alone, pixels(unseen), labels(unseen))
    figure = Figure(f"accuracy of the digit, of {_LABELLED} labels; higher", told, right)
    return Row(spec, "digits", (figure,), "a classifier of the same labels", ours)


def bottleneck(spec: str, setting: Setting) -> Row:
    """What is kept of unseen digits, and how well it tells the label."""
    ours, control, said = with_and_without(spec, setting)
    unseen = setting.digits()[1]
    rates, right = [], []
    for one in (ours, control):
        batch = digits_batch(one.objective, unseen)
        rates.append(judges.losses(one.objective, batch)["rate_t"])
        told = one.objective.decode({"t": one.objective.infer(batch)["t"].mean})["y"].mean
        right.append((told.argmax(1) == batch["y"]).float().mean().item())
    figures = (
        Figure("rate of unseen digits, nats; lower", rates[0], rates[1]),
        Figure("accuracy of the digit; higher", right[0], right[1]),
    )
    return Row(spec, "digits", figures, said, ours)


def structural(spec: str, setting: Setting) -> Row:
    """How well t tells the label, against the latent of a VAE."""
    ours, control = on_digits(spec, setting), on_digits("vae", setting)
    known, unseen = setting.digits()
    right, costs = [], []
    for one, latent in ((ours, "t"), (control, "u")):
        z = [judges.drawn(one.objective, rows, (latent,)) for rows in (known, unseen)]
        right.append(judges.leakage(z, (labels(known), labels(unseen)), 10, setting.judging))
        losses = judges.losses(one.objective, digits_batch(one.objective, unseen))
        costs.append(losses["reconstruction_x"])
    figures = (
        Figure("accuracy of the digit from t; higher", right[0], right[1]),
        Figure("reconstruction, nats; lower", costs[0], costs[1]),
    )
    return Row(spec, "digits", figures, "a VAE, which is not told the label", ours)


def _fairness(ours: Trained, control: Trained, setting: Setting, latent: str) -> tuple[Figure, ...]:
    told = [_told(one.objective, setting, (latent,)) for one in (ours, control)]
    return (
        Figure(_ODD.format(latent), told[0]["odd"], told[1]["odd"]),
        Figure(_LARGE.format(latent), told[0]["large"], told[1]["large"]),
    )


def _told(objective: Objective, setting: Setting, latents: tuple[str, ...]) -> dict[str, float]:
    """How often a classifier, made for it, tells each attribute from latents of unseen digits."""
    known, unseen = setting.digits()
    z = [judges.drawn(objective, rows, latents) for rows in (known, unseen)]
    asked = {
        "odd": [labels(rows) % 2 for rows in (known, unseen)],
        "large": [(labels(rows) >= 5).long() for rows in (known, unseen)],
    }
    return {name: judges.leakage(z, y, 2, setting.judging) for name, y in asked.items()}


def _price(objective: Objective) -> float:
    (price,) = (one.value.item() for one in objective.modules() if isinstance(one, Multiplier))
    return price
