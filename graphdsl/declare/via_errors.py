"""What can be wrong with the network after `via`: its name, its images, and `shared`."""

from __future__ import annotations

__all__ = [
    "BatchNormOfSome",
    "BatchNormShared",
    "ImageNotFirst",
    "NotAnImage",
    "NothingToShare",
    "SeveralImages",
    "SharedByUnequals",
    "SharedInVain",
    "UnknownModule",
]

from graphdsl.diagnostics import Diagnostic


class UnknownModule(Diagnostic):
    """A slip in the name of a kind of network after `via`."""

    code = "MIB218"
    title = "Unknown kind of network"
    said = "there is no network `via {name}`, and it is one slip away from `{meant}`"
    hint = "write `via {meant}`; a module of your own needs a name that is less like it"
    name: str
    meant: str


class BatchNormOfSome(Diagnostic):
    """Batch normalisation where rows may lack what the network reads or predicts."""

    code = "MIB342"
    title = "Batch normalisation of some rows"
    said = "`norm = batch` needs the mean over all rows of a batch, and some rows may lack `{name}`"
    hint = "write `norm = layer`, which normalises each row by itself"
    name: str


class BatchNormShared(Diagnostic):
    """Batch normalisation in a network that several variables share."""

    code = "MIB330"
    title = "Batch normalisation in a shared network"
    said = (
        "`norm = batch` needs the mean over all rows of a batch, and `shared` runs the network on "
        "several variables, together or one by one"
    )
    hint = "write `norm = layer`, which normalises each row by itself"


class NotAnImage(Diagnostic):
    """A variable that a convolution cannot read or draw."""

    code = "MIB217"
    title = "Not an image"
    said = "`via conv` needs an image of numbers, and `{name}` {is_what}"
    hint = "{instead}"
    name: str
    is_what: str
    instead: str


class SeveralImages(Diagnostic):
    """Two images for one convolution."""

    code = "MIB327"
    title = "Several images for one network"
    said = "`via conv` {does} one image, and `{first}` and `{second}` are two"
    hint = "{instead}"
    does: str
    first: str
    second: str
    instead: str


class ImageNotFirst(Diagnostic):
    """A convolution whose image is not its first parent."""

    code = "MIB328"
    title = "Image that is not the first parent"
    said = "`via conv` convolves the first parent, and `{first}` is no image"
    hint = "put the image first: `{line}`"
    first: str
    line: str


class NothingToShare(Diagnostic):
    """`shared` on a line that has one network."""

    code = "MIB281"
    title = "Shared by nobody"
    said = "`shared` is of several networks, and the line has one"
    hint = (
        "delete the word; lines with one child are one network, which sees all parents: "
        "`by poe` has one for each parent, a `for` over children one for each child"
    )


class SharedInVain(Diagnostic):
    """A shared network that reads the same for each of its children."""

    code = "MIB325"
    title = "Shared network with one input"
    said = (
        "all conditionals of the line are given {parents}: one network would say the same of each "
        "child"
    )
    hint = "delete `shared`, or give each child a parent of its own"
    parents: str


class SharedByUnequals(Diagnostic):
    """A network shared by conditionals that read or answer differently."""

    code = "MIB326"
    title = "Shared by unequal conditionals"
    said = "one network cannot be for {left} and for {right}: they differ in {what}"
    hint = "write `via mlp(400, 400)` without `shared`: each then has its own"
    left: str
    right: str
    what: str
