"""What every experiment takes and gives: a setting, figures, and a spec trained on digits."""

from __future__ import annotations

__all__ = ["OFF", "WEIGHTS", "Figure", "Row", "Setting", "on_digits", "with_and_without"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from study.data import digits_batch, digits_split
from study.training import Trained, emitted, train


@dataclass(frozen=True, slots=True)
class Setting:
    """How long, from which seed, and judged on what."""

    steps: int
    seed: int
    validate: bool = False  #: judge on a fold of the rows to train on, to choose settings by
    judging: int = 600  #: steps of each classifier that judges, samples of a gap
    mnist: Path | None = None  #: the folder of its files

    def digits(self) -> tuple[Tensor, Tensor]:
        """The digits to train on, and those to judge on."""
        return digits_split(self.validate)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a model and of its control."""

    said: str  #: what is measured, and which way is better
    model: float
    control: float


@dataclass(frozen=True)
class Row:
    """What one seed says."""

    spec: str
    data: str
    figures: tuple[Figure, ...]  #: the first is what the spec is judged by
    against: str  #: what the control is
    trained: Trained


#: Weights in the place of a spec's own, chosen on a fold of the rows to train on, with seed 100.
WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "beta_vae": {"beta": 1.5},
    "beta_vae_factored": {"beta": 1.5},
    "fair_direct": {"beta_1": 0.1, "beta_2": 10.0},
    "fair_mine": {"beta_1": 0.1, "beta_2": 10.0},
    "fair_mmd": {"beta_1": 0.1, "beta_2": 100.0},
    "fair_tc": {"beta_1": 0.1, "beta_2": 10.0},
    "ffvae": {"alpha": 100.0},
    "infovae": {"alpha": 0.8, "lam": 10.0},
    "irm": {"penalty": 30.0},
    "ood_invariant": {"invariance": 10.0},
}

#: Specs whose players circle each other, all that they have being a game.
GAMES = frozenset({"ali", "gan", "infogan"})

#: The weights that ask for structure, off.
OFF: Mapping[str, Mapping[str, float]] = {
    "aae": {"lam": 0.0},
    "anchor_vae": {"anchor": 0.0},
    "beta_tcvae": {"beta": 1.0},
    "beta_vae": {"beta": 1.0},
    "beta_vae_factored": {"beta": 1.0},
    "diva": {"alpha_y": 0.0, "alpha_d": 0.0},
    "factor_vae": {"gamma": 0.0},
    "ffvae": {"gamma": 0.0},
    "hfvae": {"gamma": 1.0, "between": 0.0},
    "infogan": {"lam": 0.0},
    "infovae": {"alpha": 0.0, "lam": 1.0},
    "irm": {"penalty": 0.0},
    "mib": {"beta": 1e5},
    "ood": {"beta_1": 0.0, "beta_2": 0.0},
    "ood_invariant": {"invariance": 0.0},
    "vfae": {"gamma": 0.0},
    "wae_mmd": {"lam": 0.0},
}


_NONE: Mapping[str, float] = {}


def on_digits(
    spec: str,
    setting: Setting,
    weights: Mapping[str, float] = _NONE,
    *,
    constants: Mapping[str, int] | None = None,
    warm: bool = False,
) -> Trained:
    """A spec trained on the digits to train on."""
    torch.manual_seed(setting.seed)
    objective = emitted(spec, constants)(**{**WEIGHTS.get(spec, {}), **weights})
    rows = setting.digits()[0]

    def batch_of(some: Tensor) -> dict[str, Tensor]:
        return digits_batch(objective, some)

    game = spec in GAMES
    return train(objective, batch_of, rows, setting.steps, setting.seed, warm=warm, game=game)


def with_and_without(spec: str, setting: Setting) -> tuple[Trained, Trained, str]:
    """A spec with its structure, and with those weights off."""
    off = OFF[spec]
    said = "with " + ", ".join(f"{name} = {value:g}" for name, value in off.items())
    return on_digits(spec, setting), on_digits(spec, setting, off), said
