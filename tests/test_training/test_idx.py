"""IDX files come back as they were written, and broken ones say what is wrong."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphdsl_runtime.training import BadDataFile, load_data
from graphdsl_runtime.training.idx import read_idx

IMAGES = torch.arange(5 * 4 * 3).reshape(5, 4, 3).mul(7).remainder(256).to(torch.uint8)
LABELS = torch.tensor([3, 1, 4, 1, 5], dtype=torch.uint8)


def as_idx(values: Tensor, shape: Sequence[int] | None = None, kind: int = 8) -> bytes:
    shape = values.shape if shape is None else shape
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape)
    return header + bytes(values.flatten().tolist())


PACKED = gzip.compress(as_idx(IMAGES), mtime=0)  # the same in every process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Put a tiny MNIST, its training part gzipped, into a folder."""
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(as_idx(IMAGES), mtime=0))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(as_idx(LABELS), mtime=0))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(as_idx(IMAGES[:2]))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(as_idx(LABELS[:2]))
    return tmp_path


def test_mnist_is_read_plain_and_gzipped_and_split_as_it_comes(folder: Path) -> None:
    data = load_data(f"mnist:{folder}")
    assert torch.equal(data.train, (IMAGES.reshape(5, 1, 12) > 127.5).float())
    assert torch.equal(data.test, data.train[:2])
    assert data.train_labels.tolist() == LABELS.tolist()
    assert (data.layout.rows, data.layout.columns) == (4, 3)


def test_its_halves_are_the_top_and_the_bottom(folder: Path) -> None:
    data = load_data(f"mnist-halves:{folder}")
    assert torch.equal(data.train[:, 0], (IMAGES[:, :2].flatten(1) > 127.5).float())
    assert torch.equal(data.train[:, 1], (IMAGES[:, 2:].flatten(1) > 127.5).float())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not an IDX file"),
        (b"\x80\x04\x95\x00\x00", "is not an IDX file: it starts with"),
        (as_idx(LABELS), r"holds labels \(1 axis\); expected images \(3 axes\).*swapped"),
        (as_idx(IMAGES, kind=13), "values of IDX type 13; expected 8"),
        (as_idx(IMAGES)[:9], "ends within its header"),
        (as_idx(IMAGES)[:-1], "ends after 59 of 60 values"),
        (as_idx(IMAGES, shape=(2**31, 28, 28)), "ends after 60 of 1683627180032 values"),
        (as_idx(IMAGES) + b"\0", "goes on after the 60 values"),
    ],
)
def test_a_broken_file_says_how(tmp_path: Path, content: bytes, said: str) -> None:
    for name, stored in (("plain", content), ("packed.gz", gzip.compress(content, mtime=0))):
        (tmp_path / name).write_bytes(stored)
        with pytest.raises(BadDataFile, match=said):
            read_idx(tmp_path / name, axes=3)


@pytest.mark.parametrize("content", [as_idx(IMAGES), PACKED[:-9], b"\x1f"])
def test_a_broken_gzip_file_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(BadDataFile, match="not a whole gzip file"):
        read_idx(path, axes=3)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(BadDataFile, match=r"has no `t10k-labels-idx1-ubyte`, nor .*gz"):
        load_data(f"mnist:{folder}")


def test_parts_that_do_not_belong_together_are_refused(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").write_bytes(as_idx(LABELS))
    with pytest.raises(BadDataFile, match="has 2 t10k images and 5 labels"):
        load_data(f"mnist:{folder}")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(as_idx(LABELS[:2]))
    (folder / "t10k-images-idx3-ubyte").write_bytes(as_idx(IMAGES[:2, :3]))
    with pytest.raises(BadDataFile, match="training images are 4 x 3, test images 3 x 3"):
        load_data(f"mnist:{folder}")


def test_an_odd_number_of_pixel_rows_has_no_halves(folder: Path) -> None:
    for name in ("train", "t10k"):
        (folder / f"{name}-images-idx3-ubyte").write_bytes(as_idx(IMAGES[:, :3]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(as_idx(LABELS))
    with pytest.raises(BadDataFile, match="images of 3 rows cannot be cut into 2 views"):
        load_data(f"mnist-halves:{folder}")


def test_a_file_that_unpacks_to_a_huge_one_is_not_read_whole(tmp_path: Path) -> None:
    """Three million images of zeros pack into 2 MB: a thousandth."""
    path = tmp_path / "images.gz"
    rows = 300_000
    header = struct.pack(">BBBB3I", 0, 0, 8, 3, rows, 28, 28)
    path.write_bytes(gzip.compress(header + bytes(rows * 28 * 28), mtime=0))
    tracemalloc.start()
    with pytest.raises(BadDataFile, match=r"holds more than [0-9]+ MiB of values"):
        read_idx(path, axes=3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * path.stat().st_size


def test_a_folder_of_a_long_name_is_no_mnist() -> None:
    with pytest.raises(BadDataFile, match="has no `train-images-idx3-ubyte`"):
        load_data(f"mnist:{'x' * 300}")
