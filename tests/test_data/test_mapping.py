"""Which columns a variable takes: by name, by `--map`, and what is refused."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl_runtime import Objective, Variable
from graphdsl_runtime.data import CODES, Column, DataRefused, Split, Table, open_table, prepare
from graphdsl_runtime.data.mapped import mapped_arrays
from graphdsl_runtime.data.maps import parse_maps
from graphdsl_runtime.data.resolve import resolve

ROWS = 10
PAGE = Path(__file__).parents[2] / "docs" / "your-data.md"


def observed(name: str, *shape: int, members: int | None = None, **more: object) -> Variable:
    kind = str(more.pop("kind", "real"))
    return Variable(name, role="observed", kind=kind, shape=shape, members=members, **more)  # type: ignore[arg-type]


def table(*names: str) -> Table:
    """Column number i holds the numbers i, i + 100, i + 200, ..."""
    return Table(
        "t.csv",
        tuple(Column(name, np.arange(ROWS) * 100.0 + at) for at, name in enumerate(names)),
    )


def taken(columns: Table, variables: list[Variable], *maps: str) -> dict[str, list[str]]:
    owners = resolve(columns, variables, parse_maps(maps, variables))
    return {owner.name: [piece.name for piece in owner.pieces] for owner in owners}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("x_2", "x_0", "x_1"), ["x_0", "x_1", "x_2"]),
        (("x_1", "x_3", "x_2", "y"), ["x_1", "x_2", "x_3"]),
        (("x[0]", "x[1]", "x[2]"), ["x[0]", "x[1]", "x[2]"]),
        (("x.1", "x.2", "x.3"), ["x.1", "x.2", "x.3"]),
        (tuple(f"x_{at}" for at in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)), None),
    ],
)
def test_entries_of_a_vector_are_in_the_order_of_their_numbers(
    names: tuple[str, ...], found: list[str] | None
) -> None:
    expected = found or [f"x_{at}" for at in range(1, 11)]
    assert taken(table(*names), [observed("x", len(expected))]) == {"x": expected}


def test_members_of_a_family_have_two_spellings() -> None:
    columns = table("x_1_0", "x_1_1", "x[2]_0", "x[2]_1", "w_1", "w_2")
    found = taken(columns, [observed("x", 2, members=2), observed("w", members=2)])
    assert found == {
        "x[1]": ["x_1_0", "x_1_1"],
        "x[2]": ["x[2]_0", "x[2]_1"],
        "w[1]": ["w_1"],
        "w[2]": ["w_2"],
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gene_*,age", ["gene_b", "gene_a", "age"]),
        ("age, gene_?", ["age", "gene_b", "gene_a"]),
        ("age..gene_a", ["age", "gene_b", "gene_a"]),
        ('"a,b"', ["a,b"]),
        ('"a,b",age', ["a,b", "age"]),
        ("a,b", ["a,b"]),
        ("x[1]", ["x[1]"]),
        ("x[*", ["x[1]"]),
    ],
)
def test_a_map_names_columns_globs_and_ranges(text: str, found: list[str]) -> None:
    columns = table("age", "gene_b", "gene_a", "a,b", "x[1]")
    assert taken(columns, [observed("v", len(found))], f"v={text}") == {"v": found}


def test_values_land_where_the_map_says() -> None:
    prepared = prepare(
        table("c", "b", "a"), [observed("x", 2), observed("y")], maps=["x=a,c", "y=b"]
    )
    batch = {
        name: torch.cat([prepared.fitted.train[name], prepared.fitted.test[name]])
        for name in ("x", "y")
    }
    row = batch["y"] - 1
    assert batch["x"].tolist() == torch.stack([row + 2, row], dim=1).tolist()


@pytest.mark.parametrize(
    ("names", "maps", "code"),
    [
        (("a",), ["v=gone"], "DATA04"),
        (("a",), ["w=a"], "DATA04"),
        (("a",), ["v"], "DATA04"),
        (("a",), ["v=a", "v=a"], "DATA04"),
        (("a", "b"), ["v=a,a"], "DATA04"),
        (("a", "b"), ["v=b..a"], "DATA04"),
        (("a", "b"), ["v=a..c"], "DATA04"),
        (("a", "b"), ["v="], "DATA04"),
        (("v_0", "v_2"), [], "DATA03"),
        (("v_2", "v_3"), [], "DATA03"),
        (("v_0", "v[0]"), [], "DATA03"),
        (("V",), [], "DATA03"),
    ],
)
def test_what_a_map_cannot_mean_is_refused(
    names: tuple[str, ...], maps: list[str], code: str
) -> None:
    with pytest.raises(DataRefused) as caught:
        prepare(table(*names), [observed("v", 2)], maps=maps)
    assert {one.code for one in caught.value.findings} == {code}


def test_two_variables_never_share_a_column() -> None:
    with pytest.raises(DataRefused, match="which `v` takes too"):
        prepare(table("v", "w"), [observed("v"), observed("w")], maps=["w=v"])


def test_an_optional_variable_may_be_mapped_to_nothing() -> None:
    variables = [observed("v"), observed("w", optional=True)]
    assert prepare(table("v"), variables, maps=["w="]).fitted.train.keys() == {"v"}


def test_entries_with_names_are_chosen_by_them(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(4, 3)
    np.savez(tmp_path / "a.npz", rna=values, rna_names=np.array(["A", "B", "C"]))
    found = open_table(str(tmp_path / "a.npz"))
    prepared = prepare(found, [observed("x", 2)], maps=["x=C,A"], split=Split(by="last"))
    assert torch.cat([prepared.fitted.train["x"], prepared.fitted.test["x"]]).tolist() == [
        [2.0, 0.0],
        [5.0, 3.0],
        [8.0, 6.0],
        [11.0, 9.0],
    ]


def test_an_entry_and_the_whole_of_its_column_are_not_taken_together() -> None:
    columns = Table("t", (Column("rna", np.ones((ROWS, 2)), entries=("A", "B")),))
    with pytest.raises(DataRefused, match="DATA04  x: takes `A` twice"):
        prepare(columns, [observed("x", 3)], maps=["x=rna,A"])


def test_each_member_of_a_family_lacks_its_own_cells() -> None:
    codes = np.arange(ROWS * 2).reshape(ROWS, 2) % 3
    gone = np.zeros((ROWS, 2), dtype=bool)
    gone[3, 0] = gone[4, 1] = gone[5] = True
    columns = Table(
        "t", (Column("c", codes, missing=gone), Column("x", np.where(gone, np.nan, 1.5)))
    )
    variables = [
        observed("c", members=2, kind="categorical", classes=3, optional=True),
        observed("x", members=2, optional=True),
    ]
    found = prepare(columns, variables, split=Split(by="last")).fitted
    batch = {name: torch.cat([found.train[name], found.test[name]]) for name in found.train}
    assert batch["seen(c)"].tolist() == (~gone).tolist()
    assert batch["x"].isnan().tolist() == gone.tolist()

    model = type("Model", (Objective,), {"variables": tuple(variables)})()
    for name in ("c", "x"):
        value, seen = model.observe_some(batch, name)
        assert seen.tolist() == (~gone).tolist()
        assert (value[torch.from_numpy(gone)] == 0).all()


@pytest.mark.parametrize(
    ("array", "variable", "fits"),
    [
        ((2, 3), (2, 3), True),
        ((2, 3), (6,), True),
        ((6,), (2, 3), True),
        ((2, 3), (1, 2, 3), True),
        ((2, 3), (3, 2), False),
        ((4, 4, 3), (3, 4, 4), False),
        ((2, 3), (5,), False),
    ],
)
def test_axes_are_never_mixed_up(
    array: tuple[int, ...], variable: tuple[int, ...], fits: bool
) -> None:
    values = np.random.default_rng(0).normal(size=(ROWS, *array))
    columns = Table("t.npz", (Column("x", values),))
    if fits:
        found = prepare(columns, [observed("x", *variable)], split=Split(by="last")).fitted
        got = torch.cat([found.train["x"], found.test["x"]]).double().numpy()
        assert got.shape == (ROWS, *variable)
        np.testing.assert_allclose(got.ravel(), values.ravel(), rtol=1e-6)
    else:
        with pytest.raises(DataRefused, match="DATA06"):
            prepare(columns, [observed("x", *variable)])


def test_a_memory_map_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(50, 4)).astype("float32"))
    columns = open_table(str(tmp_path / "x.npy"))
    found = prepare(columns, [observed("v", 4)], split=Split(by="last")).fitted
    assert isinstance(columns.columns[0].values, np.memmap)
    for part in (found.train["v"], found.test["v"]):
        assert np.shares_memory(part.numpy(), columns.columns[0].values)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "u1", "?"])
def test_a_mapped_array_of_an_archive_is_the_array(dtype: str, tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    arrays = {
        "x": draws.integers(0, 2, size=(50, 3, 2)).astype(dtype),
        "f": np.asfortranarray(draws.normal(size=(4, 5))),
        "s": np.array(["a", "b"]),
    }
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    found = mapped_arrays(tmp_path / "a.npz", least=0)
    assert found.keys() == {"x"}
    assert isinstance(found["x"], np.memmap)
    assert found["x"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found["x"], arrays["x"])
    np.savez_compressed(tmp_path / "b.npz", **arrays)  # type: ignore[arg-type]
    assert mapped_arrays(tmp_path / "b.npz", least=0) == {}


def test_a_changed_byte_of_a_mapped_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros((50, 4)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(zipfile.BadZipFile, match="checksum"):
        mapped_arrays(path, least=0)


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_never_on_both_sides(seed: int) -> None:
    groups = np.arange(60) % 7
    columns = Table("t", (Column("x", np.arange(60.0)), Column("g", groups)))
    split = Split(by="group:g", fraction=0.3, seed=seed)
    found = prepare(columns, [observed("x")], split=split).fitted
    sides = [set(groups[part["x"].long().numpy()]) for part in (found.train, found.test)]
    assert not sides[0] & sides[1]
    assert len(sides[1]) == 2
    assert len(found.train["x"]) + len(found.test["x"]) == 60


def test_a_column_says_which_rows_are_held_out() -> None:
    part = Column("part", np.arange(9) % 2, categories=("test", "train"))
    columns = Table("t", (Column("x", np.arange(9.0)), part))
    found = prepare(columns, [observed("x")], split=Split(by="column:part")).fitted
    assert found.test["x"].tolist() == [0, 2, 4, 6, 8]
    assert found.train["x"].tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize(
    "split",
    [
        Split(by="group:gone"),
        Split(by="group:x[0]"),
        Split(by="by chance"),
        Split(by="column:x"),
        Split(fraction=0.0),
        Split(fraction=1.0),
        Split(fraction=float("nan")),
        Split(by="group:one"),
    ],
)
def test_what_cannot_split_is_refused(split: Split) -> None:
    columns = Table("t", (Column("x", np.arange(9.0)), Column("one", np.ones(9))))
    with pytest.raises(DataRefused, match="DATA12"):
        prepare(columns, [observed("x")], split=split)


def test_the_page_has_a_line_for_every_code() -> None:
    assert set(re.findall(r"^\| (DATA\d\d) \|", PAGE.read_text(), re.MULTILINE)) == CODES.keys()
