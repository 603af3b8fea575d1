"""What a batch may hold: each mistake of the kinds that bug reports of other libraries are full of.

Binary images of 0..255, labels that count from 1, one label for many rows, a misspelt view, double
precision: a silent loss, or an error of torch that names nothing.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from graphdsl_runtime import (
    BadAnswer,
    Bernoulli,
    Categorical,
    Gaussian,
    Losses,
    Networks,
    NotABatch,
    NotATensor,
    NotFinite,
    NotSeen,
    Objective,
    ObjectiveError,
    OutsideSupport,
    Poisson,
    ShapeMismatch,
    UnknownName,
    Variable,
    WrongDevice,
    expect,
    mlp,
)
from graphdsl_runtime.batch import Batch, Noise

ROWS = 4


class Kinds(Objective):
    """A variable of each kind, one that rows may lack, and a likelihood that reads nothing."""

    variables = (
        Variable("bits", role="observed", kind="binary", shape=(3,)),
        Variable("counts", role="observed", kind="count", members=2, shape=(2,)),
        Variable("word", role="observed", kind="categorical", classes=4),
        Variable("real", role="observed", kind="real", shape=(2,)),
        Variable("view", role="observed", kind="binary", members=2, optional=True),
        Variable("year", role="given", kind="binary"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Add up what each costs."""
        view, seen = self.observe_some(batch, "view")
        terms = {
            "reconstruction_bits": expect(Bernoulli(self.bias).nll(self.observe(batch, "bits"))),
            "reconstruction_counts": expect(Poisson(self.bias).nll(self.observe(batch, "counts"))),
            "reconstruction_word": expect(
                Categorical(self.bias.expand(ROWS, 4)).nll(self.observe(batch, "word"))
            ),
            "reconstruction_real": expect(
                Gaussian.unit(self.bias).nll(self.observe(batch, "real"))
            ),
            "reconstruction_view": expect(Bernoulli(self.bias).nll(view), seen),
            "year": self.observe(batch, "year").mean(),
        }
        return Losses(torch.stack(list(terms.values())).sum(), terms)


def batch() -> dict[str, Tensor]:
    return {
        "bits": torch.tensor([[0.0, 1.0, 1.0]]).repeat(ROWS, 1),
        "counts": torch.tensor([[[0.0, 3.0], [7.0, 1.0]]]).repeat(ROWS, 1, 1),
        "word": torch.tensor([0, 3, 1, 2]),
        "real": torch.linspace(-3, 3, 2 * ROWS).reshape(ROWS, 2),
        "view": torch.tensor([[0.0, 1.0]]).repeat(ROWS, 1),
        "year": torch.ones(ROWS),
    }


@pytest.mark.parametrize(
    ("name", "place", "value", "words"),
    [
        ("bits", (1, 2), 255.0, r"bits is 255.0 in row 1, at \(2,\): .* divide pixels"),
        ("bits", (0, 0), -1.0, r"bits is -1.0 in row 0, at \(0,\): .* write 0 for -1"),
        ("year", (2,), 1987.0, "year is 1987.0 in row 2: a binary value"),
        ("counts", (3, 1, 0), -1.0, r"counts\[2\] is -1.0 in row 3, at \(0,\): a count is"),
        ("counts", (0, 0, 1), 0.5, r"counts\[1\] is 0.5 in row 0, at \(1,\): .* whole number"),
        ("word", (1,), 4, "word is 4 in row 1: classes are 0 to 3; where labels count from 1"),
        ("word", (3,), -1, "word is -1 in row 3: classes are 0 to 3"),
        ("view", (1, 1), 2.0, r"view\[2\] is 2.0 in row 1: a binary value"),
    ],
)
def test_a_value_outside_its_kind_is_named(
    name: str, place: tuple[int, ...], value: float, words: str
) -> None:
    wrong = batch()
    wrong[name][place] = value
    with pytest.raises(OutsideSupport, match=words) as problem:
        Kinds()(wrong)
    assert problem.value.rows == (place[0],)
    assert problem.value.value == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["bits", "counts", "word", "real", "year"])
def test_what_is_no_number_is_named(name: str, value: float) -> None:
    wrong = {key: one.double() for key, one in batch().items()}
    wrong[name].view(ROWS, -1)[2, 0] = value
    with pytest.raises(NotFinite, match=rf"^{name}.* in the row 2"):
        Kinds()(wrong)


def test_a_class_in_floating_point_is_whole() -> None:
    wrong = batch()
    whole = wrong | {"word": wrong["word"].double()}
    assert torch.equal(Kinds()(whole).loss, Kinds()(wrong).loss)
    with pytest.raises(OutsideSupport, match=r"word is 1.5 in row 0 \(and in 3 more\)"):
        Kinds()(wrong | {"word": torch.full((ROWS,), 1.5)})


def test_values_that_nobody_has_may_be_anything() -> None:
    """What is stored where `seen` is false is no value of the variable."""
    wrong = batch()
    wrong["view"][:, 1] = -7.0
    flags = torch.tensor([True, False]).repeat(ROWS, 1)
    right = Kinds()(batch() | {"seen(view)": flags}).loss
    assert torch.equal(Kinds()(wrong | {"seen(view)": flags}).loss, right)


@pytest.mark.parametrize("rows", [1, 3, 5])
@pytest.mark.parametrize("name", ["bits", "counts", "word", "real", "view", "year"])
def test_all_have_the_same_rows(name: str, rows: int) -> None:
    wrong = batch()
    wrong[name] = wrong[name].repeat(2, *(1,) * (wrong[name].ndim - 1))[:rows]
    with pytest.raises(ShapeMismatch, match=rf"{name} has .* rows?|{name} has shape"):
        Kinds()(wrong)


def test_a_batch_has_rows() -> None:
    with pytest.raises(ShapeMismatch, match=r"bits has shape \(0, 3\).*: a batch has rows"):
        Kinds()({name: one[:0] for name, one in batch().items()})


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Bits", "bits"),
        ("counts[3]", r"counts\[\d\]"),
        ("view[01]", r"view\[1\]"),
        ("seen(veiw)", r"seen\(view\)"),
        ("seen(views[1])", r"seen\(view\[1\]\)"),
        ("wrod", "word"),
    ],
)
def test_an_entry_of_no_variable_is_refused(name: str, near: str) -> None:
    with pytest.raises(UnknownName, match=rf"no variable `.*` \(did you mean `{near}`\?\)"):
        Kinds()(batch() | {name: torch.zeros(ROWS)})


def test_a_view_that_is_misspelt_is_not_missing() -> None:
    wrong = batch()
    wrong["View"] = wrong.pop("view")
    with pytest.raises(UnknownName, match="did you mean `view`"):
        Kinds()(wrong)


def test_rows_that_lack_what_none_may_lack_are_refused() -> None:
    """The mask of another spec, or a dropped word `optional`: what is stored there would train."""
    flags = torch.ones(ROWS, dtype=torch.bool)
    assert torch.isfinite(Kinds()(batch() | {"seen(word)": flags}).loss)
    flags[2] = False
    with pytest.raises(NotSeen, match=r"`seen\(word\)` is false in the row 2: .*`optional`"):
        Kinds()(batch() | {"seen(word)": flags})
    with pytest.raises(NotSeen, match=r"`seen\(counts\)` is false in the row 2"):
        Kinds()(batch() | {"seen(counts)": flags[:, None].expand(-1, 2)})


@pytest.mark.parametrize("flags", [[0.0, 0.5, 1.0, 1.0], [0, 2, 1, 1], [0, math.nan, 1, 1]])
def test_a_flag_is_true_or_false(flags: list[float]) -> None:
    with pytest.raises(OutsideSupport, match=r"seen\(view\[1\]\) is .* in row 1: .*true or false"):
        Kinds()(batch() | {"seen(view[1])": torch.tensor(flags)})


CONVERSIONS: dict[str, Callable[[Tensor], object]] = {
    "float64": lambda one: one.double(),
    "float16": lambda one: one.half(),
    "whole": lambda one: one.long(),
    "bytes": lambda one: one.to(torch.uint8),
    "unsigned": lambda one: one.to(torch.uint16),
    "numpy": lambda one: one.numpy(),
    "numpy of doubles": lambda one: one.double().numpy(),
    "numpy, read-only": lambda one: _locked(one.double().numpy()),
    "numpy, other bytes": lambda one: one.numpy().astype(one.numpy().dtype.newbyteorder(">")),
    "numpy, backwards": lambda one: one.numpy()[::-1].copy()[::-1],
    "lists": lambda one: one.tolist(),
}


def _locked(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


@pytest.mark.parametrize("how", CONVERSIONS)
def test_other_types_of_numbers_are_converted(how: str) -> None:
    whole = batch()
    whole["real"] = whole["real"].round().abs()
    given = {name: CONVERSIONS[how](one) for name, one in whole.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(Kinds()(given).loss, Kinds()(whole).loss)
        assert Kinds().double()(given).loss.dtype == torch.float64


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "is a str"),
        (None, "is a NoneType"),
        ([[1.0, 2.0], [3.0]] * 2, "is a list"),
        (np.array(["a"] * ROWS), "is an array of <U1"),
        (np.ma.masked_array(np.zeros((ROWS, 2))), "is a masked array"),
        (np.zeros((ROWS, 2), dtype=complex), "is an array of complex128"),
        (torch.zeros(ROWS, 2, dtype=torch.complex64), "is complex"),
        (torch.eye(ROWS).to_sparse(), ".*sparse"),
    ],
)
def test_what_is_no_array_of_numbers_is_named(value: object, words: str) -> None:
    with pytest.raises(NotATensor, match=f"real {words}"):
        Kinds().observe({"real": value}, "real")  # type: ignore[dict-item]  # that is the mistake


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(NotABatch, match=r'such as \{"bits": ...*got a Tensor'):
        Kinds()(torch.zeros(ROWS, 3))
    with pytest.raises(NotABatch, match="got a list"):
        Kinds().check([])  # type: ignore[arg-type]  # that is the mistake


def test_another_device_is_named() -> None:
    with pytest.raises(WrongDevice, match="real is on meta, and the module on cpu"):
        Kinds().observe({"real": torch.zeros(ROWS, 2, device="meta")}, "real")


def test_a_double_too_large_for_the_module_is_refused() -> None:
    with pytest.raises(NotFinite, match="real is NaN or infinite"):
        Kinds()(batch() | {"real": torch.full((ROWS, 2), 1e300, dtype=torch.float64)})


def test_grey_values_are_warned_of_once() -> None:
    grey = batch()
    grey["bits"][1, 1] = 0.25
    model = Kinds()
    with pytest.warns(UserWarning, match=r"bits holds .* between 0 and 1 \(0.25\).*`bernoulli`"):
        model(grey)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(grey)
        Kinds()(batch())
        given = batch() | {"year": torch.full((ROWS,), 0.5)}  # has no likelihood
        Kinds()(given)


def test_while_compiling_a_value_outside_its_kind_is_no_number() -> None:
    """No look waits for a device there; and no such value trains."""
    compiled = torch.compile(Kinds(), backend="eager", fullgraph=True)
    assert torch.isfinite(compiled(batch()).loss)
    places: dict[str, tuple[int, ...]] = {"bits": (1, 2), "counts": (0, 1, 1), "word": (1,)}
    for name, place in places.items():
        for value in (-1, 300):
            wrong = batch()
            wrong[name][place] = value
            if name == "counts" and value > 0:
                wrong[name][place] = 0.5
            assert torch.isnan(compiled(wrong).loss), (name, value)
    unseen = batch() | {"seen(word)": torch.tensor([True, True, False, True])}
    assert torch.isnan(compiled(unseen).loss)


def test_check_looks_at_all_there_is() -> None:
    model = Kinds()
    model.check(batch())
    for name in batch():
        wrong = batch()
        wrong[name] = wrong[name].double()
        wrong[name].view(ROWS, -1)[1, 0] = -math.inf
        with pytest.raises(ObjectiveError, match=f"^{name}"):
            model.check(wrong)


class Answering(nn.Module):
    """A network of one's own that answers with one number, everywhere."""

    def __init__(self, size: int, value: float) -> None:
        super().__init__()
        self.size, self.value = size, value

    def forward(self, *parents: Tensor) -> Tensor:
        """Answer with so many of it."""
        return torch.full((len(parents[0]), self.size), self.value)


class Own(Objective):
    """A decoder that a caller may replace, of one number for each bit."""

    variables = (Variable("x", role="observed", kind="binary", shape=(3,)),)

    def __init__(self, *, networks: Networks | None = None) -> None:
        super().__init__(networks)
        self.p_x = self.network("p(x|z)", lambda: mlp([(2,)], (), 3))

    def forward(self, batch: Batch, noise: Noise | None = None) -> Losses:
        """Reconstruct from nothing."""
        x = self.observe(batch, "x")
        return Losses(expect(Bernoulli(self.p_x(x.new_zeros(len(x), 2))).nll(x)), {})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_answer_of_a_network_of_one_s_own_is_a_number(value: float) -> None:
    x = torch.ones(ROWS, 3)
    assert torch.isfinite(Own(networks={"p(x|z)": Answering(3, 0.0)})({"x": x}).loss)
    with pytest.raises(BadAnswer, match=r"the answer of p\(x\|z\) is -?(nan|inf) in row 0"):
        Own(networks={"p(x|z)": Answering(3, value)})({"x": x})


@pytest.mark.parametrize("size", [1, 2, 4])
def test_an_answer_of_another_shape_does_not_broadcast(size: int) -> None:
    with pytest.raises(ShapeMismatch, match=rf"p\(x\|z\) has shape \(4, {size}\); expected \(B, 3"):
        Own(networks={"p(x|z)": Answering(size, 0.0)})({"x": torch.ones(ROWS, 3)})


def test_a_keyword_of_no_parameter_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"no parameter `network`.*did you mean `networks`"):
        Own(network={})  # type: ignore[call-arg]  # that is the mistake
