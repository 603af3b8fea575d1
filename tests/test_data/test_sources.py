"""Images, functions of one's own, cells and genes, saved data sets, and what ships."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl_runtime import Variable
from graphdsl_runtime.data import DataRefused, Split, Table, open_table, prepare
from graphdsl_runtime.data.drawn import sprites
from graphdsl_runtime.data.own import table_of


def observed(name: str, kind: str, *shape: int, **more: object) -> Variable:
    return Variable(name, role="observed", kind=kind, shape=shape, **more)  # type: ignore[arg-type]


def needs(*libraries: str) -> pytest.MarkDecorator:
    absent = [one for one in libraries if find_spec(one) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")


def rows_of(
    table: Table, *variables: Variable, maps: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    found = prepare(table, variables, maps=maps, split=Split(by="last")).fitted
    return {name: torch.cat([found.train[name], found.test[name]]) for name in found.train}


# Images.


def draw(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(pixels).save(path)


@needs("PIL")
def test_images_have_their_channels_first_and_their_folder_as_label(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size=(6, 4, 5, 3), dtype=np.uint8)
    for row in range(6):
        draw(tmp_path / "all" / "ab"[row % 2] / f"{row}.png", pixels[row])
    table = open_table(f"images:{tmp_path / 'all'}")
    batch = rows_of(table, observed("x", "real", 3, 4, 5), observed("y", "binary"))
    order = [0, 2, 4, 1, 3, 5]
    expected = pixels[order].transpose(0, 3, 1, 2) / np.float32(255)
    assert torch.equal(batch["x"], torch.from_numpy(expected.astype(np.float32)))
    assert batch["y"].tolist() == [0, 0, 0, 1, 1, 1]


@needs("PIL")
def test_grey_images_are_flat_where_the_spec_says_so(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 2, size=(4, 3, 3), dtype=np.uint8) * 255
    for row in range(4):
        draw(tmp_path / f"{row}.png", pixels[row])
    batch = rows_of(open_table(f"images:{tmp_path}"), observed("picture", "binary", 9))
    assert torch.equal(batch["picture"], torch.from_numpy(pixels / 255).float().flatten(1))


@needs("PIL")
def test_images_that_are_none_or_differ_in_size_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", np.zeros((4, 4), dtype=np.uint8))
    draw(tmp_path / "b.png", np.zeros((4, 5), dtype=np.uint8))
    with pytest.raises(DataRefused, match=r"DATA06.*differ in size: `a.png` 4 x 4, `b.png` 4 x 5"):
        open_table(f"images:{tmp_path}")
    content = (tmp_path / "a.png").read_bytes()
    for broken in (b"", b"GIF89a", content[: len(content) // 2]):
        (tmp_path / "b.png").write_bytes(broken)
        with pytest.raises(DataRefused, match="DATA01"):
            open_table(f"images:{tmp_path}")
    for nowhere in (tmp_path / "gone", tmp_path / "a.png"):
        with pytest.raises(DataRefused, match="DATA01"):
            open_table(f"images:{nowhere}")


# Functions of one's own.


class Rows:
    """A map-style Dataset."""

    def __init__(self, items: list[object]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> object:
        return self.items[row]


def test_a_function_of_ones_own_is_found_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_rows_of_data.py").write_text(
        "import torch\n\ndef load():\n    return {'x': torch.arange(8.0).reshape(4, 2)}\n\n"
        "def broken():\n    raise KeyError('no \\x1b[31m such file')\n"
    )
    monkeypatch.chdir(tmp_path)
    batch = rows_of(open_table("my_rows_of_data:load"), observed("x", "real", 2))
    assert batch["x"].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert str(tmp_path) not in sys.path
    for name, said in (
        ("my_rows_of_data:broken", "KeyError"),
        ("my_rows_of_data:gone", "AttributeError"),
        ("no_such_module_here:load", "ModuleNotFoundError"),
    ):
        with pytest.raises(DataRefused, match=said) as caught:
            open_table(name)
        assert "\x1b" not in str(caught.value)


def test_a_dataset_has_its_items_as_rows() -> None:
    pairs = Rows([(torch.full((2,), float(row)), row % 3) for row in range(6)])
    label = observed("label", "categorical", classes=3)
    batch = rows_of(table_of("d", pairs), observed("x", "real", 2), label, maps=("label=y",))
    assert batch["x"][:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert batch["label"].tolist() == [0, 1, 2, 0, 1, 2]
    for items in ([], [(1,), (1, 2)], [torch.zeros(2), torch.zeros(3)], [object()] * 3):
        with pytest.raises(DataRefused):
            prepare(table_of("d", Rows(list(items))), [observed("x", "real")])


@pytest.mark.parametrize(
    "found", [None, 3, "text", b"bytes", {"x": object()}, {"x": [[1], [1, 2]]}]
)
def test_what_is_no_data_is_refused(found: object) -> None:
    with pytest.raises(DataRefused):
        prepare(table_of("d", found), [observed("x", "real")])


@needs("pandas")
def test_a_frame_keeps_its_columns_whatever_their_types() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "x": [1.0, None, 3.0, 4.0],
            "n": pd.array([1, None, 3, 4], dtype="Int64"),
            "c": pd.Categorical(["b", "a", None, "b"]),
            "s": ["u", "v", None, "u"],
            "t": pd.to_datetime(["2020-01-01"] * 4),
            "m": [1, "two", None, 2.5],
            7: [True, False, True, False],
        }
    )
    table = table_of("frame", frame)
    assert table.names == ("x", "n", "c", "s", "t", "m", "7")
    flags = {"optional": True}
    batch = rows_of(
        table,
        observed("x", "real", **flags),
        observed("n", "count", **flags),
        observed("c", "binary", **flags),
        observed("s", "categorical", classes=2, **flags),
        observed("b", "binary"),
        maps=("b=7",),
    )
    for name, expected in {
        "x": [1, None, 3, 4],
        "n": [1, None, 3, 4],
        "c": [1, 0, None, 1],
        "b": [1, 0, 1, 0],
    }.items():
        got = [None if value != value else value for value in batch[name].tolist()]
        assert got == expected, name
    assert batch["seen(s)"].tolist() == [True, True, False, True]
    for name, code in (("t", "DATA05"), ("m", "DATA05")):
        with pytest.raises(DataRefused, match=code):
            prepare(table, [observed(name, "real")])


# Cells and genes.


@pytest.fixture
def _plain_text() -> Iterator[None]:
    """Texts of pandas as Python's: not every version of anndata writes the newer ones."""
    import pandas as pd

    with pd.option_context("future.infer_string", False):
        yield


@needs("anndata")
@pytest.mark.usefixtures("_plain_text")
@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
def test_cells_have_genes_layers_and_annotations(suffix: str, tmp_path: Path) -> None:
    import anndata
    import pandas as pd
    from scipy.sparse import csr_matrix

    counts = np.random.default_rng(0).poisson(1.0, size=(9, 4)).astype(np.float32)
    data = anndata.AnnData(
        X=csr_matrix(counts),
        obs=pd.DataFrame(
            {"type": pd.Categorical(["T", "B", None] * 3), "depth": counts.sum(axis=1)},
            index=[f"cell {row}" for row in range(9)],
        ),
        var=pd.DataFrame(index=["CD3", "CD4", "CD8", "CD19"]),
    )
    data.layers["log"] = np.log1p(counts)
    data.obsm["X_pca"] = counts[:, :2] * 2
    path = tmp_path / f"cells{suffix}"
    data.write_h5ad(path) if suffix == ".h5ad" else data.write_zarr(path)
    table = open_table(str(path))
    batch = rows_of(
        table,
        observed("X", "count", 4),
        observed("log", "real", 2),
        observed("pca", "real", 2),
        observed("type", "categorical", classes=2, optional=True),
        observed("depth", "real"),
        maps=("log=layers/log/CD8,layers/log/CD3", "pca=obsm/X_pca"),
    )
    assert torch.equal(batch["X"], torch.from_numpy(counts))
    assert torch.equal(batch["log"], torch.from_numpy(np.log1p(counts)[:, [2, 0]]))
    assert torch.equal(batch["pca"], torch.from_numpy(counts[:, :2] * 2))
    assert batch["seen(type)"].tolist() == [True, True, False] * 3
    assert batch["type"].tolist()[:2] == [1, 0]


@needs("mudata")
@pytest.mark.usefixtures("_plain_text")
def test_cells_that_a_modality_lacks_are_missing_there(tmp_path: Path) -> None:
    import anndata
    import mudata
    import pandas as pd

    def modality(cells: list[int], genes: str) -> anndata.AnnData:
        values = np.array([[cell * 10.0 + gene for gene in range(len(genes))] for cell in cells])
        return anndata.AnnData(
            X=values,
            obs=pd.DataFrame(index=[f"c{cell}" for cell in cells]),
            var=pd.DataFrame(index=list(genes)),
        )

    both = mudata.MuData(
        {"rna": modality([0, 1, 2, 3, 4], "abc"), "adt": modality([5, 3, 1], "de")}
    )
    path = tmp_path / "cells.h5mu"
    both.write(path)
    variables = (
        observed("rna", "real", 3, optional=True),
        observed("adt", "real", 2, optional=True),
    )
    batch = rows_of(open_table(str(path)), *variables)
    cells = [int(name[1:]) for name in both.obs_names]
    for row, cell in enumerate(cells):
        for name, has, width in (("rna", range(5), 3), ("adt", (5, 3, 1), 2)):
            if cell in has:
                assert batch[name][row].tolist() == [cell * 10.0 + gene for gene in range(width)]
            else:
                assert batch[name][row].isnan().all()


@needs("anndata")
@pytest.mark.parametrize("suffix", [".h5ad", ".h5mu"])
def test_a_file_that_is_no_hdf5_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells{suffix}"
    for content in (b"", b"\x89HDF\r\n\x1a\n", b"x,y\n1,2\n"):
        path.write_bytes(content)
        with pytest.raises(DataRefused, match=r"DATA01|DATA13"):
            open_table(str(path))


@needs("anndata", "zarr")
@pytest.mark.parametrize("name", [".zarray", ".zmetadata", "zarr.json"])
def test_a_store_that_names_pickle_is_refused_unread(name: str, tmp_path: Path) -> None:
    (tmp_path / "evil.zarr" / "X").mkdir(parents=True)
    (tmp_path / "evil.zarr" / "X" / name).write_text('{"filters": [{"id": "pickle"}]}')
    with pytest.raises(DataRefused, match=r"DATA01.*pickle"):
        open_table(str(tmp_path / "evil.zarr"))


# Saved data sets.


@needs("datasets")
def test_a_saved_data_set_has_its_labels_images_and_split(tmp_path: Path) -> None:
    code = f"""
import numpy as np
from datasets import Array2D, ClassLabel, Dataset, DatasetDict, Features, Image, Value
from PIL import Image as Pillow
features = Features({{"x": Array2D(shape=(2, 3), dtype="float32"), "n": Value("int64"),
                     "label": ClassLabel(names=["cat", "ant"]), "image": Image()}})
def part(rows):
    return Dataset.from_dict({{
        "x": [np.full((2, 3), float(row)) for row in rows], "n": rows,
        "label": [row % 2 for row in rows],
        "image": [Pillow.fromarray(np.full((4, 4), row, dtype=np.uint8)) for row in rows],
    }}, features=features)
both = DatasetDict({{"test": part([7, 8]), "train": part([0, 1, 2, 3, 4])}})
both["train"] = both["train"].select([4, 2, 0, 1])
both.save_to_disk({str(tmp_path / "saved")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    table = open_table(f"hf:{tmp_path / 'saved'}")
    found = prepare(
        table,
        [
            observed("x", "real", 2, 3),
            observed("n", "count"),
            observed("label", "categorical", classes=2),
            observed("image", "real", 1, 4, 4),
        ],
    )
    assert found.record["classes"] == {"label": ["cat", "ant"]}
    assert found.fitted.train["n"].tolist() == [4, 2, 0, 1]
    assert found.fitted.test["n"].tolist() == [7, 8]
    assert found.fitted.train["x"][:, 1, 2].tolist() == [4, 2, 0, 1]
    assert found.fitted.train["label"].tolist() == [0, 0, 0, 1]
    assert (found.fitted.test["image"][:, 0, 0, 0] * 255).round().tolist() == [7, 8]


@needs("datasets")
def test_a_folder_that_is_no_saved_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="DATA01"):
        open_table(f"hf:{tmp_path}")


# What ships, and the files of others.


def test_a_sprite_has_the_factors_that_it_was_drawn_from() -> None:
    table = sprites()
    images = table.columns[0].values
    factors = {column.name: column.values for column in table.columns[1:]}
    assert len(np.unique(np.stack(list(factors.values()), axis=1), axis=0)) == len(images) == 2592
    assert set(np.unique(images)) == {0.0, 1.0}
    rows, columns = np.mgrid[:16, :16] + 0.5
    area = images.sum(axis=(1, 2))
    round_ones = factors["shape"] != 2  # an ellipse and a rectangle have their middle inside
    for name, grid in (("across", columns), ("down", rows)):
        middle = (images * grid).sum(axis=(1, 2)) / area
        expected = np.linspace(5, 11, 6)[factors[name]]
        assert np.abs(middle - expected)[round_ones].max() < 0.5
    for smaller in (0, 1):
        assert area[factors["size"] == smaller].mean() < area[factors["size"] == smaller + 1].mean()


def test_columns_go_in_order_to_variables_that_they_fit_alone() -> None:
    """A label of ten classes is none of three, and no label is an image."""
    batch = rows_of(
        open_table("digits"),
        observed("third", "categorical", classes=3),
        observed("digit", "categorical", classes=10),
        observed("image", "binary", 1, 8, 8),
    )
    assert batch["third"].max() == 2
    assert batch["digit"].max() == 9
    assert batch["image"].shape == (1797, 1, 8, 8)
    with pytest.raises(DataRefused, match="DATA03"):
        rows_of(open_table("digits"), observed("other", "categorical", classes=4))


def test_files_of_adult_are_read_with_their_own_split(tmp_path: Path) -> None:
    def line(age: int, job: str, sex: str, income: str) -> str:
        middle = "1, Bachelors, 13, Divorced, Sales, Wife, White"
        return f"{age}, {job}, {middle}, {sex}, 0, 0, 40, US, {income}\n"

    train = [
        line(20 + row, "AB?"[row % 3], ("Male", "Female")[row % 2], "<=50K") for row in range(9)
    ]
    train.append(line(60, "A", "Male", ">50K"))
    (tmp_path / "adult.data").write_text("".join(train) + "\n")
    with gzip.open(tmp_path / "adult.test.gz", "wt") as file:
        file.write("|1x3 Cross validator\n" + line(70, "B", "Female", ">50K."))
    table = open_table(f"adult:{tmp_path}")
    features = table.columns[0]
    found = prepare(
        table,
        [
            observed("x", "binary", len(features.entries)),
            observed("a", "binary"),
            observed("income", "binary"),
            observed("workclass", "binary", optional=True),
        ],
    )
    assert found.record["classes"] == {
        "a": ["Female", "Male"],
        "income": ["<=50K", ">50K"],
        "workclass": ["A", "B"],
    }
    assert found.fitted.train["a"].tolist() == [1, 0] * 4 + [1, 1]
    assert found.fitted.test["income"].tolist() == [1.0]
    assert found.fitted.train["workclass"].isnan().tolist() == [
        row % 3 == 2 for row in range(9)
    ] + [False]
    job = [features.entries.index(f"workclass={one}") for one in "AB"]
    assert found.fitted.train["x"][:3, job].tolist() == [[1, 0], [0, 1], [0, 0]]
    ages = [at for at, name in enumerate(features.entries) if name.startswith("age, part")]
    assert found.fitted.train["x"][:, ages].sum(dim=1).tolist() == [1.0] * 10
    assert found.fitted.train["x"][:, ages].sum(dim=0).tolist() == [2.0] * 5


@pytest.mark.parametrize("source", ["adult", "german", "mfeat", "mnist", "coloured-mnist", "hf"])
def test_a_folder_without_the_files_is_refused(source: str, tmp_path: Path) -> None:
    from graphdsl_runtime.training import TrainingError

    if source == "hf" and find_spec("datasets") is None:
        pytest.skip("not installed: datasets")
    with pytest.raises(TrainingError):
        open_table(f"{source}:{tmp_path}")
    with pytest.raises(DataRefused, match=f"did you mean `{source}:FOLDER`"):
        open_table(source)


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_a_pickle_in_an_array_executes_nothing(suffix: str, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / f"evil{suffix}"
    array = np.array([Evil()], dtype=object)
    np.savez(path, x=array) if suffix == ".npz" else np.save(path, array)
    with pytest.raises(DataRefused, match=r"DATA01.*pickle"):
        open_table(str(path))
    omics = ("bare.h5ad", "bare.h5mu") if find_spec("anndata") and find_spec("mudata") else ()
    for name in (f"bare{suffix}", "bare.csv", "bare.parquet", "bare.arrow", *omics):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        with pytest.raises(DataRefused):
            prepare(open_table(str(tmp_path / name)), [observed("x", "real")])
    assert not (tmp_path / "ran").exists()
