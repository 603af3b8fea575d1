"""Laws of a run's files: what is loaded is what was saved, whatever happened to it meanwhile.

A flipped bit, a missing end, or content of another shape is refused, with a line and before
anything is loaded; a run that is killed at any moment goes on to the files of an unbroken one.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from graphdsl_runtime.training import CannotResume, CannotWrite, Summary, find_checkpoint
from graphdsl_runtime.training.checkpoint import Checkpoint
from graphdsl_runtime.training.older import load_older
from tests.corpus import some
from tests.flushed import watched
from tests.killed import Killed, killed_at
from tests.laws.checkpoints import EPOCHS, content, fresh, go, older, sealed
from tests.laws.crafted import (
    MODEL,
    OF_FORM,
    OF_NAMES,
    OF_OLDER,
    OF_STATE,
    OPTIMIZER,
    STATE,
    WEIGHTS,
    Edit,
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs: not to be changed."""
    folder = tmp_path_factory.mktemp("saved") / "run"
    go(folder, epochs=2)
    return folder


@pytest.fixture
def last(saved: Path, tmp_path: Path) -> Path:
    """A copy of its last checkpoint, alone in a run's folder."""
    return shutil.copytree(saved / "last", tmp_path / "run" / "last", dirs_exist_ok=True)


@pytest.fixture
def old(saved: Path, tmp_path: Path) -> Path:
    """The same as a file of the first version."""
    path = tmp_path / "run" / "last.ckpt"
    path.parent.mkdir(exist_ok=True)
    torch.save(older(Checkpoint.load(saved / "last")), path)
    return path


def refused(place: Path) -> str:
    """How going on from a place is refused: before anything is loaded or written."""
    objective, run = fresh(), place.parent
    before = content(run)
    weights = {name: one.clone() for name, one in objective.state_dict().items()}
    with pytest.raises(CannotResume) as problem:
        go(run, resume=place, objective=objective)
    for name, one in weights.items():
        assert torch.equal(objective.state_dict()[name], one), name
    assert content(run) == before
    assert len(str(problem.value)) < 1000
    return str(problem.value)


def test_both_forms_go_on_to_the_unbroken_run(last: Path, old: Path, tmp_path: Path) -> None:
    go(tmp_path / "whole")
    whole = content(tmp_path / "whole")
    for number, place in enumerate((last, last.parent, old)):
        out = tmp_path / f"rest_{number}"
        go(out, resume=place)
        assert content(out) == whole, place
    go(last.parent, resume=last)
    assert content(last.parent)["metrics.csv"] == whole["metrics.csv"]


# ---- damage --------------------------------------------------------------------------------------


def bits(files: Mapping[str, bytes]) -> list[tuple[str, int]]:
    """Places of bits, of each file as many as of any other."""
    chance = random.Random("bits")
    return [
        (name, chance.randrange(8 * len(one))) for _ in range(2000) for name, one in files.items()
    ]


def flipped(content: bytes, place: int) -> bytes:
    spoilt = bytearray(content)
    spoilt[place // 8] ^= 1 << place % 8
    return bytes(spoilt)


def test_a_flipped_bit_is_refused(last: Path) -> None:
    files = content(last)
    for name, place in some("flipped", bits(files), 40):
        (last / name).write_bytes(flipped(files[name], place))
        with pytest.raises(CannotResume, match=name if name != "SHA256SUMS" else "damaged"):
            Checkpoint.load(last)
        (last / name).write_bytes(files[name])
    assert len(Checkpoint.load(last).history) == 2


def test_a_flipped_bit_of_an_older_file_changes_nothing_or_is_refused(old: Path) -> None:
    """Its parts have checksums, its directory has none: there a bit may be of no consequence."""
    whole, objective = old.read_bytes(), fresh()
    right = load_older(old, objective)
    found = []
    for _, place in some("flipped_older", bits({"": whole}), 40):
        old.write_bytes(flipped(whole, place))
        try:
            checkpoint = load_older(old, objective)
        except CannotResume:
            found.append("refused")
            continue
        assert checkpoint.files() == right.files()
        found.append("same")
    assert found.count("refused") > len(found) / 2


def test_a_part_that_is_marked_as_a_folder_is_refused(old: Path) -> None:
    """A bit by which torch takes a tensor for a folder, and reads nothing of it."""
    whole, objective = old.read_bytes(), fresh()
    with zipfile.ZipFile(old) as archive:
        place = archive.start_dir
        for one in archive.infolist():
            old.write_bytes(flipped(whole, 8 * (place + 38) + 4))
            with pytest.raises(CannotResume, match="folder"):
                load_older(old, objective)
            place += 46 + len(one.filename) + len(one.extra) + len(one.comment)
    old.write_bytes(whole)
    load_older(old, objective)


def test_a_missing_end_is_refused(last: Path, old: Path) -> None:
    files = {last / name: one for name, one in content(last).items()} | {old: old.read_bytes()}
    for path, whole in files.items():
        place = old if path == old else last
        lengths = some(f"ends_{path.name}", range(1, len(whole) - 1), 6)
        for length in (0, *lengths, len(whole) - 1):
            path.write_bytes(whole[:length])
            refused(place)
        path.write_bytes(whole)


# ---- well-formed, and wrong ----------------------------------------------------------------------


def crafted() -> Iterator[Any]:
    """Edits of each file, by what they are."""
    tensors = {"weights": WEIGHTS | OF_STATE, "optimizer": OPTIMIZER | OF_NAMES}
    for kind, edits in tensors.items():
        for name, edit in edits.items():
            yield pytest.param(f"{kind}.safetensors", edit, id=f"{kind}: {name}")
    for kind, edits in {"state": STATE | OF_FORM, "model": MODEL}.items():
        for name, edit in edits.items():
            yield pytest.param(f"{kind}.json", edit, id=f"{kind}: {name}")


@pytest.mark.parametrize(("file", "edit"), list(crafted()))
def test_wrong_content_with_right_hashes_is_refused(last: Path, file: str, edit: Edit) -> None:
    path = last / file
    if path.suffix == ".json":
        value = json.loads(path.read_bytes())
        edit(value)
        path.write_text(json.dumps(value))
    else:
        tensors = dict(load(path.read_bytes()))
        edit(tensors)
        path.write_bytes(save(tensors))
    sealed(last)
    refused(last)


def header(text: str, more: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text.encode() + more


def entry(dtype: str, shape: str, end: int = 4) -> str:
    return f'{{"a": {{"dtype": "{dtype}", "shape": [{shape}], "data_offsets": [0, {end}]}}}}'


NO_JSON = (
    *(b"", b"[]", b"null", b"12", b'"text"', b"{", b"{}", b"\xff\xfe", b"\0" * 99),
    *(b'{"best": NaN}', b"[" * 100_000, b'{"best": 1' + b"0" * 9999 + b"}"),
)
NO_TENSORS = (
    *(b"", b"\0" * 8, b"\xff" * 8, b"PK\x03\x04" + b"\0" * 99, header("[]"), header('{"a": 1}')),
    *(header("{", length=10**6), header("{}", length=2**63), header("{}", b"\0")),
    *(header(entry("F32", "2"), b"\0" * 4), header(entry("F32", "1"))),
    *(header(entry("X9", "1"), b"\0" * 4), header(entry("F32", "-1"), b"\0" * 4)),
    *(header(entry("F8_E5M2", "4"), b"\0" * 4), header(entry("F32", f"{2**62}, 4"), b"\0" * 4)),
)


@pytest.mark.parametrize(
    ("file", "written"),
    [
        *((f"{name}.json", one) for name in ("state", "model") for one in NO_JSON),
        *((f"{name}.safetensors", one) for name in ("weights", "optimizer") for one in NO_TENSORS),
        ("weights.safetensors", header("{}")),
    ],
)
def test_files_of_no_form_with_right_hashes_are_refused(
    last: Path, file: str, written: bytes
) -> None:
    (last / file).write_bytes(written)
    sealed(last)
    refused(last)


def edits_of_older() -> Iterator[Any]:
    for name, edit in WEIGHTS.items():
        yield pytest.param(lambda one, edit=edit: edit(one["weights"]), id=f"weights: {name}")
    for name, edit in OPTIMIZER.items():

        def of_state(one: dict[str, Any], edit: Edit = edit) -> None:
            state = one["optimizers"]["model"]["state"]
            flat = {f"{k}/{entry}": v for k, own in state.items() for entry, v in own.items()}
            edit(flat)
            state.clear()
            for key, value in flat.items():
                number, entry = key.split("/")
                state.setdefault(int(number), {})[entry] = value

        yield pytest.param(of_state, id=f"optimizer: {name}")
    for name, edit in STATE.items():
        yield pytest.param(edit, id=f"state: {name}")
    for name, edit in OF_OLDER.items():
        yield pytest.param(edit, id=name)


@pytest.mark.parametrize("edit", list(edits_of_older()))
def test_wrong_content_of_an_older_file_is_refused(old: Path, saved: Path, edit: Edit) -> None:
    value = older(Checkpoint.load(saved / "last"))
    edit(value)
    torch.save(value, old)
    refused(old)


class Surprise:
    """What a checkpoint from a stranger could hold."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (pytest.fail, ("code in a checkpoint was run",))


@pytest.mark.parametrize("name", ["last.ckpt", "last/weights.safetensors", "last/state.json"])
def test_nothing_in_a_checkpoint_is_run(last: Path, name: str) -> None:
    torch.save({"format": "graphdsl.checkpoint/1", "weights": Surprise()}, last.parent / name)
    sealed(last)
    refused(last.parent / name if name == "last.ckpt" else last)


# ---- what is no checkpoint -----------------------------------------------------------------------


def test_what_is_no_checkpoint_is_named(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    (folder / "notes.txt").write_text("lorem ipsum " * 99)
    (folder / "zip.ckpt").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    (folder / "loop").symlink_to("loop")
    (tmp_path / "empty").mkdir()
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    for place, said in {
        folder / "metrics.csv": "it is not a checkpoint, or not a whole one",
        folder / "notes.txt": "it is not a checkpoint, or not a whole one",
        folder / "zip.ckpt": "it is not a checkpoint, or not a whole one",
        Path(packed): "it is not a checkpoint, or not a whole one",
        folder / "last" / "state.json": "it is a part of a checkpoint: the folder",
        folder / "last" / "weights.safetensors": "it is a part of a checkpoint: the folder",
        tmp_path / "empty": "it is a folder that holds no run: there is no `last` in it",
        tmp_path / "none": "there is no such file or folder",
        tmp_path / ("x" * 300): "file name too long",
        folder / "metrics.csv" / "below": "there is no such file or folder",
        folder / "loop": "it is neither a file nor a folder",
        Path("/dev/null"): "it is neither a file nor a folder",
        Path("a\0b"): "null",
    }.items():
        before = content(tmp_path)
        with pytest.raises(CannotResume) as problem:
            go(tmp_path / "out", resume=place)
        assert said in str(problem.value), place
        assert content(tmp_path) == before


def test_a_checkpoint_that_lacks_a_file_is_refused(last: Path) -> None:
    for name, whole in content(last).items():
        (last / name).unlink()
        assert name in refused(last) or name in {"spec.mib", "state.json"}
        (last / name).write_bytes(whole)


# ---- killed --------------------------------------------------------------------------------------


def carry_on(folder: Path) -> Summary | None:
    """What a user does whose run was killed: go on with it, or begin again where nothing is."""
    try:
        found = find_checkpoint(folder)
    except CannotResume:
        return go(folder)
    if len(Checkpoint.load(found).history) == EPOCHS:
        return None  # killed behind its last epoch
    return go(folder, resume=folder)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """The files of a run that nobody killed, and how many calls wrote them."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    with killed_at(10**9) as made:
        go(folder)
    return content(folder), len(made)


def test_a_run_killed_at_any_moment_comes_to_the_same_files(
    unbroken: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    files, calls = unbroken
    assert calls > 40 * EPOCHS
    for moment in some("killed", range(calls), 10):
        folder = tmp_path / str(moment)
        with pytest.raises(Killed), killed_at(moment):
            go(folder)
        carry_on(folder)
        if content(folder) != files:
            # Behind the last epoch's checkpoint only its table and what was aside are left to do.
            assert content(folder)["last/state.json"] == files["last/state.json"], moment
        shutil.rmtree(folder)


def test_a_run_killed_twice_comes_to_the_same_files(
    unbroken: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    files, calls = unbroken
    for again, moment in enumerate(some("killed_twice", range(calls // 2), 4)):
        folder = tmp_path / str(moment)
        for number in (moment, 5 + 7 * again % 30):  # what is left of the run has more calls
            with pytest.raises(Killed), killed_at(number):
                carry_on(folder)
        carry_on(folder)
        assert content(folder) == files, moment


def test_what_takes_a_name_is_on_the_disk(tmp_path: Path) -> None:
    """Else a disk that loses power may keep the name and lose what it stands for."""
    with watched() as disk:
        go(tmp_path / "run")
        assert disk.early == []
        assert disk.is_flushed(tmp_path / "run"), "the last names are in memory alone"
    assert disk.renamed > 2 * EPOCHS


def test_a_full_disk_keeps_the_last_good_epoch(
    unbroken: tuple[dict[str, bytes], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = unbroken
    written = os.write
    for moment in some("full", range(5, 11 * EPOCHS), 4):
        left = [moment]

        def write(descriptor: int, data: bytes, left: list[int] = left) -> int:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return written(descriptor, data)

        folder = tmp_path / str(moment)
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(CannotWrite) as problem:
            go(folder)
        assert str(problem.value) == f"{folder} cannot be written: no space left on device"
        monkeypatch.setattr(os, "write", written)
        carry_on(folder)
        assert content(folder) == files, moment
