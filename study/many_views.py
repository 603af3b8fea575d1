"""Specs of several views: what one view tells of another.

The views are the halves of a digit, or an image and its label: the shipped spec, with its second
view declared as `categorical(10)`. All have the same control: the -ELBO of both views, by a product
of experts none of which is ever asked alone.
"""

from __future__ import annotations

__all__ = ["halves", "of_pairs", "pairs", "pairs_of_telbo"]

import re
from functools import cache

import torch
from torch import Tensor, nn

from graphdsl_runtime import Gaussian, Objective
from study import judges
from study.data import Images, digits_batch, digits_of, labels, mnist, pixels
from study.rows import Figure, Row, Setting, on_digits
from study.training import SPECS, Trained, emitted, train

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
_AGAINST = "the ELBO of both views alone"
#: What infers from the first view alone, by its own words.
_ONE_WAY = ("vcca", "vcca_private", "bivcca")


def halves(spec: str, setting: Setting) -> Row:
    """How often the digit is told from the lower half that is made of the upper one, and back."""
    ours, control = on_digits(spec, setting, warm=True), _joint_of_halves(setting)
    known, unseen = setting.digits()
    rows = tuple(known.tolist())
    figures = []
    for source, target in ((1, 2),) if spec in _ONE_WAY else ((1, 2), (2, 1)):
        first = 32 * (target - 1)
        network = judges.classifier(rows, first, first + 32, setting.judging)
        true = judges.accuracy_of(network, pixels(unseen)[:, first : first + 32], labels(unseen))
        values = []
        for one in (ours, control):
            seen = {f"x[{source}]": digits_batch(one.objective, unseen)["x"][:, source - 1]}
            made = one.objective.translate(seen, to=[f"x[{target}]"])[f"x[{target}]"]
            values.append(judges.accuracy_of(network, made, labels(unseen)))
        name = "lower from upper" if target == 2 else "upper from lower"
        said = f"cross-view accuracy, {name}; higher ({true:.3f} of true halves)"
        figures.append(Figure(said, values[0], values[1]))
    return Row(spec, "digit halves", tuple(figures), _AGAINST, ours)


@cache
def _joint_of_halves(setting: Setting) -> Trained:
    return on_digits(_JOINT, setting, warm=True)


def of_pairs(text: str) -> str:
    """The same spec, of an image and its label.

    >>> print(of_pairs("observed x[1..2] : binary[pixels]"))
    observed x[1] : binary[pixels]
    observed x[2] : categorical(10)
    """
    family = r"observed x\[1\.\.\w+\]\s*: (binary\[pixels\])(.*)"
    return re.sub(family, r"observed x[1] : \1\2\nobserved x[2] : categorical(10)\2", text)


def pairs(spec: str, setting: Setting) -> Row:
    """How often a label is told from its image, and the image made of a label is of it."""
    images = _images(setting)
    ours = _of_images((SPECS / f"{spec}.mib").read_text(encoding="utf-8"), setting)
    return _pairs_row(spec, images, setting, ours)


def pairs_of_telbo(spec: str, setting: Setting) -> Row:
    """The same, of a spec that has an encoder for each."""
    images = _images(setting)
    torch.manual_seed(setting.seed)
    constants = {"pixels": images.pixels.shape[1]}
    ours = _trained(emitted(spec, constants)(), setting, images, ("x", "y"))
    return _pairs_row(spec, images, setting, ours)


def _pairs_row(spec: str, images: Images, setting: Setting, ours: Trained) -> Row:
    control = _of_images(_JOINT, setting)
    x, y = images.pixels[images.unseen], images.labels[images.unseen]
    network = _judge(setting)
    told, made = [], []
    for one in (ours, control):
        torch.manual_seed(0)
        told.append((_label_of(one.objective, x).argmax(1) == y).float().mean().item())
        made.append(judges.accuracy_of(network, _image_of(one.objective, y), y))
    true = judges.accuracy_of(network, x, y)
    figures = (
        Figure("label told from the image; higher", told[0], told[1]),
        Figure(
            f"image of the label told right; higher ({true:.3f} of true images)", made[0], made[1]
        ),
    )
    return Row(spec, f"{images.name} and labels", figures, _AGAINST, ours)


def _label_of(objective: Objective, x: Tensor) -> Tensor:
    """Its probabilities, at the mean of what the image infers."""
    if "r_z" in dict(objective.named_children()):
        with torch.no_grad():
            z = Gaussian.split(objective.get_submodule("r_z")(x)).mean
        return objective.decode({"z": z})["y"].mean
    return objective.translate({"x[1]": x}, to=["x[2]"])["x[2]"]


def _image_of(objective: Objective, y: Tensor) -> Tensor:
    """The mean of an image, at a sample of what the label infers: as many images as labels."""
    noise = objective.draw_noise(torch.zeros(len(y)))
    if "s_z" in dict(objective.named_children()):
        with torch.no_grad():
            z = Gaussian.split(objective.get_submodule("s_z")(objective.one_hot(y, 10))).sample(
                noise["z"]
            )
        return objective.decode({"z": z})["x"].mean
    return objective.translate({"x[2]": y}, to=["x[1]"], noise=noise)["x[1]"]


@cache
def _of_images(text: str, setting: Setting) -> Trained:
    """A spec of halves as one of pairs, trained."""
    images = _images(setting)
    torch.manual_seed(setting.seed)
    objective = emitted(of_pairs(text), {"pixels": images.pixels.shape[1]})()
    return _trained(objective, setting, images, ("x[1]", "x[2]"))


def _trained(
    objective: Objective, setting: Setting, images: Images, names: tuple[str, str]
) -> Trained:
    def batch_of(rows: Tensor) -> dict[str, Tensor]:
        return {names[0]: images.pixels[rows], names[1]: images.labels[rows]}

    return train(objective, batch_of, images.known, setting.steps, setting.seed, warm=True)


def _images(setting: Setting) -> Images:
    if setting.mnist is not None:
        return mnist(setting.mnist, setting.validate)
    return digits_of(*setting.digits())


@cache
def _judge(setting: Setting) -> nn.Module:
    """A classifier of whole images, trained apart from any model."""
    images = _images(setting)
    x, y = images.pixels[images.known], images.labels[images.known]
    return judges.fitted(x, y, 10, setting.judging)
