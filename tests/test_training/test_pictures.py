"""A picture is a PNG of one size, the same every time, and shows what its labels say."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from torch import nn

from graphdsl_runtime import Batch, Bernoulli, Gaussian, Latents, Noise, Objective, Variable
from graphdsl_runtime.training import (
    DataSet,
    Layout,
    MissingExtra,
    draw_pictures,
    evaluate_translations,
)

Make = Callable[..., Objective]


def size_of(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_it_is_a_png_of_four_rows_of_ten(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    path = draw_pictures(make_objective(), tiny_data, tmp_path / "pictures.png")
    assert path == tmp_path / "pictures.png"
    # 8 inches wide; of the 6.15 that the labels leave, 4 pixels by 10 columns make the width and
    # 5 pixels by 4 rows the height: input, reconstruction, and one view from the other, twice.
    assert size_of(path) == (8 * 160, int((6.15 * 20 / 40 + 0.35 + 0.15) * 160))


class TinyGan(Objective):
    """Two views of one latent that nothing infers."""

    variables = (
        Variable("x", role="observed", kind="binary", members=2, shape=(6,)),
        Variable("u", role="latent", kind="real", shape=(3,)),
    )

    def __init__(self) -> None:
        super().__init__()
        self.p_x = self.network("p(x|u)", lambda: nn.Linear(3, 12))

    def infer(self, batch: Batch, noise: Noise | None = None) -> dict[str, Gaussian]:
        return {}

    def decode(self, latents: Latents) -> dict[str, Bernoulli | Gaussian]:
        return {"x": Bernoulli(self.p_x(latents["u"]).unflatten(1, (2, 6)))}


def test_what_infers_nothing_has_samples_and_no_translations(
    tiny_data: DataSet, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    gan = TinyGan()
    before = torch.get_rng_state()
    paths = [draw_pictures(gan, tiny_data, tmp_path / name) for name in ("one.png", "other.png")]
    assert torch.equal(torch.get_rng_state(), before)
    assert paths[0] is not None
    assert paths[1] is not None
    width, height = size_of(paths[0])
    assert width == 8 * 160
    assert height == pytest.approx((6.15 * 10 / 40 + 0.35 + 0.15) * 160, abs=1)  # two rows
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert evaluate_translations(gan, tiny_data) == ()


def test_it_is_the_same_every_time_and_leaves_nothing_else(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    paths = [tmp_path / "one.png", tmp_path / "other.png"]
    for seed, path in enumerate(paths):
        objective = make_objective()
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        draw_pictures(objective, tiny_data, path)
        assert torch.equal(torch.get_rng_state(), before)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_what_is_given_is_drawn_as_it_is(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    path = tmp_path / "pictures.png"
    draw_pictures(make_objective(), tiny_data, path)
    picture = imread(path)[..., :3]
    # The first held-out rows of labels 0 to 3 are rows 0 to 3, and so on: here 0, 1, 2, ..., 9.
    scale, left = 6.15 / 40 * 160, 1.7 * 160
    for column in range(10):
        for pixel_row, pixel_column in np.ndindex(4, 3):
            at = (
                int((0.15 * 160) + scale * (pixel_row + 0.5)),
                int(left + scale * (4 * column + pixel_column + 0.5)),
            )
            on = tiny_data.test[column].reshape(4, 3)[pixel_row, pixel_column].item()
            assert (picture[at].mean() < 0.5) == bool(on)


def test_a_module_that_generates_nothing_has_no_picture(tiny_data: DataSet, tmp_path: Path) -> None:
    class NoDecoder(Objective):
        variables = (Variable("x", role="observed", kind="binary", members=2, shape=(6,)),)

    assert draw_pictures(NoDecoder(), tiny_data, tmp_path / "pictures.png") is None
    assert list(tmp_path.iterdir()) == []


def test_views_side_by_side_make_a_wider_picture(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path
) -> None:
    beside = DataSet(
        name="beside",
        train=tiny_data.train,
        test=tiny_data.test,
        train_labels=tiny_data.train_labels,
        test_labels=tiny_data.test_labels,
        layout=Layout(rows=2, columns=3, stacking="horizontal"),
    )
    path = tmp_path / "pictures.png"
    draw_pictures(make_objective(), beside, path)
    assert size_of(path) == (8 * 160, int((6.15 * 12 / 70 + 0.35 + 0.15) * 160))


def test_without_matplotlib_it_says_what_to_install(
    make_objective: Make, tiny_data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r'matplotlib.*pip install "graphdsl\[train\]"'):
        draw_pictures(make_objective(), tiny_data, tmp_path / "pictures.png")
