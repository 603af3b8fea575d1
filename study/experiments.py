"""What is trained for which spec, what it is compared with, and by which figure.

A spec that is not named here is judged by its bound on digits that it has not seen.
"""

from __future__ import annotations

__all__ = ["Row", "run"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from graphdsl_runtime import Objective
from study import judges
from study.data import ENVIRONMENTS, coloured, digits_batch, digits_split, labels, pixels, sources
from study.training import Trained, emitted, train


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    spec: str
    figure: str  #: what is measured, and which way is better
    model: float
    control: float
    against: str  #: what the control is
    trained: Trained


_JOINT = """
model joint_alone
const views  = 2
const pixels = 32
observed x[1..views] : binary[pixels] optional
latent   z           : real[16] ~ normal
q { x -> z  by poe  via mlp(400, 400) }
p { z -> x[i]  via mlp(400, 400)  for i in 1..views }
minimize KL(q || p)
"""
_NO_SEGMENTS = """
model no_segments
observed x       : real[5] ~ normal(scale = 0.1)
latent   z[1..5] : real    ~ normal
q { x -> z  via mlp(50, 50) }
p { z -> x  via mlp(50, 50) }
minimize KL(q || p)
"""

#: The weights that ask for structure, off.
_OFF: Mapping[str, dict[str, float]] = {
    "beta_tcvae": {"beta": 1.0},
    "beta_vae": {"beta": 1.0},
    "beta_vae_factored": {"beta": 1.0},
    "factor_vae": {"gamma": 0.0},
    "hfvae": {"beta": 1.0, "gamma": 1.0},
    "infogan": {"lam": 0.0},
    "fair_direct": {"beta_2": 0.0},
    "fair_mine": {"beta_2": 0.0},
    "fair_mmd": {"beta_2": 0.0},
    "fair_tc": {"beta_2": 0.0},
    "irm": {"penalty": 0.0},
    "jmvae": {"alpha": 0.0},
    "jmvae_cross": {"alpha": 0.0},
    "ood_invariant": {"invariance": 0.0},
    "vfae": {"gamma": 0.0},
    "wyner": {"common": 0.0, "cross": 0.0},
}


def run(spec: str, steps: int, seed: int) -> Row:
    """Train a spec and its control, and judge both."""
    return _EXPERIMENTS.get(spec, bound)(spec, steps, seed)


def _trained(spec: str, steps: int, seed: int, **weights: float) -> Trained:
    """A spec trained on the digits to train on."""
    torch.manual_seed(seed)
    objective = emitted(spec)(**weights)
    rows = digits_split()[0]
    return train(objective, lambda some: digits_batch(objective, some), rows, steps, seed)


def _with_and_without(spec: str, steps: int, seed: int) -> tuple[Trained, Trained, str]:
    """A spec with its structure, and with those weights off."""
    off = _OFF[spec]
    said = "with " + ", ".join(f"{name} = {value:g}" for name, value in off.items())
    return _trained(spec, steps, seed), _trained(spec, steps, seed, **off), said


# ---- one view ------------------------------------------------------------------------------------


def bound(spec: str, steps: int, seed: int) -> Row:
    """The loss on unseen digits, against pixels that are independent."""
    ours, (train_rows, test) = _trained(spec, steps, seed), digits_split()
    torch.manual_seed(0)
    with torch.no_grad():
        loss = ours.objective(digits_batch(ours.objective, test)).loss.item()
    mean = pixels(train_rows).mean(0).clamp(1e-3, 1 - 1e-3)
    x = pixels(test)
    alone = -(x * mean.log() + (1 - x) * (1 - mean).log()).sum(1).mean().item()
    figure = "loss on unseen digits, nats; lower"
    return Row(spec, figure, loss, alone, "-log p of independent pixels", ours)


def disentangled(spec: str, steps: int, seed: int) -> Row:
    """The total correlation of the factors of unseen digits."""
    ours, control, said = _with_and_without(spec, steps, seed)
    test = digits_split()[1]
    values = [judges.total_correlation(one.objective, test) for one in (ours, control)]
    figure = "TC(u) of unseen digits, nats; lower"
    return Row(spec, figure, values[0], values[1], said, ours)


def sampled(spec: str, steps: int, seed: int) -> Row:
    """A classifier's confidence in samples, and how many classes they are of."""
    ours, train_rows = _trained(spec, steps, seed), digits_split()[0]
    torch.manual_seed(0)
    made = ours.objective.generate(1_000)["x"]
    x = pixels(train_rows)
    shuffled = torch.stack([column[torch.randperm(len(x))] for column in x.T], dim=1)
    network = judges.classifier(tuple(train_rows.tolist()))
    values = [judges.confidence_and_spread(network, one) for one in (made, shuffled[:1_000])]
    figure = f"a classifier's confidence in samples; higher (entropy of labels {values[0][1]:.2f})"
    against = f"pixels of other digits each (entropy {values[1][1]:.2f})"
    return Row(spec, figure, values[0][0], values[1][0], against, ours)


def told_codes(spec: str, steps: int, seed: int) -> Row:
    """How much of the code a classifier of digits finds in the samples."""
    ours, control, said = _with_and_without(spec, steps, seed)
    network = judges.classifier(tuple(digits_split()[0].tolist()))
    values = []
    for one in (ours, control):
        torch.manual_seed(0)
        noise = one.objective.draw_noise(torch.zeros(2_000))
        code = one.objective.ancestral_sample(noise, {})
        x = one.objective.decode(code)["x"].mean
        values.append(judges.shared_information(code["c"].argmax(1), network(x).argmax(1)))
    figure = "I(code; class of the sample), nats; higher"
    return Row(spec, figure, values[0], values[1], said, ours)


# ---- several views -------------------------------------------------------------------------------


def across(spec: str, steps: int, seed: int) -> Row:
    """How often the digit is told from the lower half that is made of the upper one."""
    ours = _trained(spec, steps, seed)
    if spec in _OFF:
        off = _OFF[spec]
        control = _trained(spec, steps, seed, **off)
        said = "with " + ", ".join(f"{name} = {value:g}" for name, value in off.items())
    elif spec == "mvae":
        control, said = _trained(_JOINT, steps, seed), "the ELBO of both views alone"
    else:
        control, said = None, "its own samples"
    train_rows, test = digits_split()
    network = judges.classifier(tuple(train_rows.tolist()), 32, 64)
    true = judges.accuracy_of(network, pixels(test)[:, 32:], labels(test))
    value = _cross_accuracy(ours.objective, network, test)
    if control is None:
        torch.manual_seed(0)
        made = ours.objective.generate(len(test))["x"][:, 1]
        other = judges.accuracy_of(network, made, labels(test))
    else:
        other = _cross_accuracy(control.objective, network, test)
    figure = f"cross-view accuracy; higher ({true:.3f} for true halves)"
    return Row(spec, figure, value, other, said, ours)


def _cross_accuracy(objective: Objective, network: torch.nn.Module, test: Tensor) -> float:
    upper = {"x[1]": digits_batch(objective, test)["x"][:, 0]}
    made = objective.translate(upper, to=["x[2]"])["x[2]"]
    return judges.accuracy_of(network, made, labels(test))


# ---- sources, fairness, environments -------------------------------------------------------------


def separated(spec: str, steps: int, seed: int) -> Row:
    """The mean correlation coefficient of sources, against a VAE that is not told the segment."""
    data = sources(seed)
    found = []
    for text in (spec, _NO_SEGMENTS):
        torch.manual_seed(seed)
        objective = emitted(text)()

        def batch_of(rows: Tensor, told: bool = text == spec) -> dict[str, Tensor]:
            return {"x": data.x[rows], **({"w": data.w[rows]} if told else {})}

        one = train(objective, batch_of, torch.arange(len(data.w)), steps, seed)
        z = one.objective.infer(batch_of(torch.arange(len(data.w))))["z"].mean
        found.append((one, judges.correlation_of_sources(z, data.s)))
    (ours, value), (_, other) = found
    figure = "mean correlation of the sources; higher"
    return Row(spec, figure, value, other, "a VAE that is not told the segment", ours)


def fair(spec: str, steps: int, seed: int, latent: str = "u", attribute: str = "a") -> Row:
    """How often the attribute, odd or even, is told from the latent that should not tell it."""
    ours, control, said = _with_and_without(spec, steps, seed)
    train_rows, test = digits_split()
    values, others = [], []
    for one in (ours, control):
        z = [
            one.objective.infer(digits_batch(one.objective, rows))[latent].mean
            for rows in (train_rows, test)
        ]
        odd = [labels(rows) % 2 for rows in (train_rows, test)]
        large = [(labels(rows) >= 5).long() for rows in (train_rows, test)]
        values.append(judges.leakage(z[0], z[1], odd[0], odd[1], 2))
        others.append(judges.leakage(z[0], z[1], large[0], large[1], 2))
    figure = f"accuracy of {attribute} from {latent}; lower ({others[0]:.3f} for the other label)"
    against = f"{said} ({others[1]:.3f})"
    return Row(spec, figure, values[0], values[1], against, ours)


def of_nuisance(spec: str, steps: int, seed: int) -> Row:
    """The same for the only latent that there is."""
    return fair(spec, steps, seed, "z", "s")


def invariant(spec: str, steps: int, seed: int) -> Row:
    """Accuracy where the colour goes against the label, as it did not in training."""
    train_rows, test = digits_split()
    data = coloured(train_rows, ENVIRONMENTS, seed)
    asked = coloured(test, (0.9,), seed + 1)
    values: list[tuple[Trained, float]] = []
    for weights in ({}, _OFF[spec]):
        torch.manual_seed(seed)
        objective = emitted(spec)(**weights)

        def batch_of(rows: Tensor) -> dict[str, Tensor]:
            return {name: one[rows] for name, one in data.items()}

        one = train(objective, batch_of, torch.arange(len(train_rows)), steps, seed)
        posterior = one.objective.infer({"x": asked["x"]})["z"]
        told = one.objective.decode({"z": posterior.mean})["y"].mean > 0.5
        values.append((one, (told.float() == asked["y"]).float().mean().item()))
    (ours, value), (_, other) = values
    figure = "accuracy where the colour misleads; higher (0.75 at best)"
    said = "with " + ", ".join(f"{name} = {one:g}" for name, one in _OFF[spec].items())
    return Row(spec, figure, value, other, said, ours)


_Experiment = Callable[[str, int, int], Row]
_EXPERIMENTS: Mapping[str, _Experiment] = {
    **dict.fromkeys(("beta_tcvae", "beta_vae", "beta_vae_factored", "factor_vae"), disentangled),
    "hfvae": disentangled,
    **dict.fromkeys(("gan", "ali", "aae", "wae_mmd", "infovae"), sampled),
    "infogan": told_codes,
    **dict.fromkeys(("jmvae", "jmvae_cross", "mvae", "wyner"), across),
    **dict.fromkeys(("vcca", "vcca_private", "bivcca", "structured_mm"), across),
    "ivae": separated,
    **dict.fromkeys(("fair_direct", "fair_mine", "fair_mmd", "fair_tc"), fair),
    "vfae": of_nuisance,
    **dict.fromkeys(("irm", "ood_invariant"), invariant),
}
