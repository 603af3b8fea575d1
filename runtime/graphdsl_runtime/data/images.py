"""Folders of images, read by Pillow: channels first, from 0 to 1, with the subfolder as label."""

from __future__ import annotations

__all__ = ["decoded", "read_images", "stacked"]

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphdsl_runtime.data.errors import DataRefused, needs, refused
from graphdsl_runtime.data.table import Array, Column, Table, from_text

_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
)
_GREY = frozenset({"1", "L", "LA"})


def read_images(folder: Path) -> Table:
    """Read all images of a folder, in the order of their names.  Raises `DataRefused`.

    Columns: ``x``, ``(n, channels, height, width)``, and ``y``, the name of the subfolder, where
    the images lie in subfolders. Grey images have one channel where all are grey, others three.
    """
    try:
        paths = sorted(
            path
            for path in (*folder.glob("*"), *folder.glob("*/*"))
            if path.suffix.lower() in _SUFFIXES and path.is_file()
        )
    except OSError as problem:
        raise refused("DATA01", str(folder), (problem.strerror or str(problem)).lower()) from None
    if not paths:
        raise refused(
            "DATA01",
            str(folder),
            "is no folder with images" if folder.is_dir() else "there is no such folder",
            "put them in it, or in one subfolder for each label",
        )
    images = [_read(path) for path in paths]
    columns = [Column("x", stacked(folder.name, [path.name for path in paths], images))]
    parents = [path.parent for path in paths]
    if all(parent != folder for parent in parents):
        columns.append(from_text("y", [parent.name for parent in parents]))
    names = from_text("file", [str(path.relative_to(folder)) for path in paths])
    return Table(folder.name, (*columns, names), by_order=True)


def decoded(name: str, content: bytes) -> Array:
    """Decode an image: ``(channels, height, width)``, from 0 to 1.  Raises `DataRefused`."""
    with needs("data"):
        from PIL import Image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of an image that would fill the memory
            with Image.open(io.BytesIO(content)) as image:
                if image.mode.startswith("I;16"):
                    return np.asarray(image, dtype=np.float32)[None] / 65535
                grey = image.mode in _GREY
                array = np.asarray(image.convert("L" if grey else "RGB"), dtype=np.float32) / 255
    except DataRefused:
        raise
    except Exception as problem:  # whatever a broken image makes a decoder say
        said = " ".join(str(problem).split())[:100]
        raise refused("DATA01", name, f"is no image that can be read: {said}") from None
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def stacked(where: str, names: Sequence[str], images: Sequence[Array]) -> Array:
    """Put images of one size together; grey ones among coloured ones become coloured."""
    channels = max(len(image) for image in images)
    sizes = {image.shape[1:] for image in images}
    if len(sizes) > 1:
        odd = next(at for at, one in enumerate(images) if one.shape[1:] != images[0].shape[1:])
        both = [f"`{names[at]}` {' x '.join(map(str, images[at].shape[1:]))}" for at in (0, odd)]
        raise refused(
            "DATA06", where, f"images differ in size: {', '.join(both)}", "bring them to one size"
        )
    return np.stack([np.broadcast_to(one, (channels, *one.shape[1:])) for one in images])


def _read(path: Path) -> Array:
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise refused("DATA01", str(path), (problem.strerror or str(problem)).lower()) from None
    return decoded(path.name, content)
