"""A picture of what a model makes of held-out rows: reconstructions, and views out of others.

Of one that infers nothing, a GAN, it is of samples.
"""

from __future__ import annotations

__all__ = ["draw_pictures"]

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from graphdsl_files import write_whole
from graphdsl_runtime import Latents, Objective
from graphdsl_runtime.training.data import DataSet, Layout
from graphdsl_runtime.training.errors import CannotWrite
from graphdsl_runtime.training.extras import train_extra
from graphdsl_runtime.training.seeds import seeded
from graphdsl_runtime.training.views import View, batch_of, decoded_views, infers, views_of

_Colour: TypeAlias = tuple[float, float, float]

_COLUMNS = 10
_DPI = 160
_WIDTH = 8.0  # inches, of which the labels take the first
_LABELS = 1.7
_MARGIN = 0.15
_KEY = 0.35  # below the pictures

_PAPER: _Colour = (1.0, 1.0, 1.0)
_BLANK: _Colour = (0.94, 0.945, 0.95)
_GIVEN: _Colour = (0.10, 0.12, 0.16)
_GENERATED: _Colour = (0.03, 0.36, 0.66)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of pictures: the pixels of each view, ``(columns, pixels)``, or nothing."""

    label: str
    given: Mapping[View, Tensor]
    generated: Mapping[View, Tensor]


@torch.no_grad()
def draw_pictures(objective: Objective, data: DataSet, path: Path) -> Path | None:
    """Draw inputs, reconstructions, and every view generated from each other one alone, as a PNG.

    The columns are ten held-out rows, of as many labels as there are, always the same ones. Latents
    are at their posterior's mean (those of an unseen view at their prior's), and what is drawn of a
    likelihood is its mean. A module that does not infer its latents has samples in the place of
    reconstructions, and one that generates nothing has no picture: None.
    Raises `MissingExtra`, `CannotWrite`, and what `DataSet.fit_to` does.
    """
    data.fit_to(objective.variables)  # or it says why not
    decoded = decoded_views(objective)
    if not decoded:
        return None
    pixels = data.test[_of_all_labels(data.test_labels)]
    rows = _rows(objective, pixels, decoded)
    columns = [
        _column(rows, views_of(objective.variables), data.layout, at) for at in range(len(pixels))
    ]
    picture = _drawn(rows, torch.cat(columns, dim=1))
    try:
        write_whole(path, picture)
    except OSError as problem:
        raise CannotWrite(path, (problem.strerror or str(problem)).lower()) from None
    return path


def _of_all_labels(labels: Tensor) -> Tensor:
    """Choose rows in turns: the first of every label, then the second, as far as they go."""
    seen: dict[int, int] = {}
    turns = []
    for row, label in enumerate(labels.tolist()):
        turns.append((seen.setdefault(label, 0), label, row))
        seen[label] += 1
    return torch.tensor([row for _, _, row in sorted(turns)[:_COLUMNS]])


def _rows(objective: Objective, pixels: Tensor, decoded: Sequence[View]) -> list[_Row]:
    data = dict(zip(views_of(objective.variables), pixels.unbind(1), strict=True))
    inputs, batch = _Row(label="input", given=data, generated={}), batch_of(objective, data)
    if not infers(objective, batch):
        with seeded(0):
            noise = objective.draw_noise(next(iter(batch.values())))
            drawn = _means(objective, objective.ancestral_sample(noise, batch), decoded)
        return [inputs, _Row(label="sample", given={}, generated=drawn)]
    reconstruction = _generate(objective, data, decoded)
    rows = [inputs, _Row(label="reconstruction", given={}, generated=reconstruction)]
    for source, target in permutations(data, 2):
        if target in decoded:
            given = {source: data[source]}
            rows.append(
                _Row(
                    label=f"{target.name} from {source.name}",
                    given=given,
                    generated=_generate(objective, given, [target]),
                )
            )
    return rows


def _generate(
    objective: Objective, given: Mapping[View, Tensor], wanted: Sequence[View]
) -> dict[View, Tensor]:
    posterior = objective.infer(batch_of(objective, given))
    return _means(objective, {name: q.draw(None, name) for name, q in posterior.items()}, wanted)


def _means(objective: Objective, latents: Latents, wanted: Sequence[View]) -> dict[View, Tensor]:
    likelihoods = objective.decode(latents)
    return {view: view.of(likelihoods).mean.flatten(1).clamp(0, 1).cpu() for view in wanted}


def _column(rows: Sequence[_Row], views: Sequence[View], layout: Layout, at: int) -> Tensor:
    """Put the pictures of one row of data below each other, as colours, with gaps around them."""
    gap = max(1, layout.columns // 8)
    pictures = []
    for row in rows:
        parts = [_part(row, view, layout, at) for view in views]
        picture = torch.cat(parts, dim=0 if layout.stacking == "vertical" else 1)
        pictures.append(_framed(picture, gap))
    return torch.cat(pictures, dim=0)


def _part(row: _Row, view: View, layout: Layout, at: int) -> Tensor:
    size = (layout.rows, layout.columns, 1)
    for pixels, colour in ((row.given, _GIVEN), (row.generated, _GENERATED)):
        if view in pixels:
            ink = pixels[view][at].reshape(size)
            return (1 - ink) * torch.tensor(_BLANK) + ink * torch.tensor(colour)
    return torch.tensor(_PAPER).expand(layout.rows, layout.columns, 3)


def _framed(picture: Tensor, gap: int) -> Tensor:
    rows, columns, _ = picture.shape
    frame = torch.tensor(_PAPER).repeat(rows + gap, columns + gap, 1)
    frame[:rows, :columns] = picture
    return frame


def _drawn(rows: Sequence[_Row], canvas: Tensor) -> bytes:
    with train_extra():
        from matplotlib import rc_context, rcdefaults
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    high, wide, _ = canvas.shape
    width = _WIDTH - _LABELS - _MARGIN
    height = width * high / wide
    with rc_context():
        rcdefaults()  # the same picture whatever the reader's own settings are
        figure = Figure(figsize=(_WIDTH, height + _KEY + _MARGIN), dpi=_DPI)
        total = figure.get_figheight()
        axes = figure.add_axes((_LABELS / _WIDTH, _KEY / total, width / _WIDTH, height / total))
        axes.imshow(canvas.numpy(), interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        for number, row in enumerate(rows):
            middle = (_KEY + height * (1 - (number + 0.47) / len(rows))) / total
            figure.text(
                (_LABELS - 0.12) / _WIDTH, middle, row.label, ha="right", va="center", fontsize=9
            )
        for left, word, colour in ((0.0, "given", _GIVEN), (0.6, "generated", _GENERATED)):
            figure.text((_LABELS + left) / _WIDTH, 0.12 / total, word, color=colour, fontsize=8)
        FigureCanvasAgg(figure)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
