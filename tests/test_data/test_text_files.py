"""Text as people save it: read as it was meant, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graphdsl_runtime import Variable
from graphdsl_runtime.data import Column, DataRefused, Split, Table, open_table, prepare

X = Variable("x", role="observed", kind="real")
Y = Variable("y", role="observed", kind="binary")
ROWS = 9
BODY = "".join(f"{row}.5,{row % 2}\n" for row in range(ROWS))
HEAD = "x,y\n"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + BODY,
        "\ufeff" + HEAD + BODY,
        (HEAD + BODY).replace("\n", "\r\n"),
        (HEAD + BODY).replace(",", ";"),
        (HEAD + BODY).replace(",", " , "),
        HEAD + "".join(f'"{row}.5","{row % 2}"\n' for row in range(ROWS)),
        HEAD + "\n\n" + BODY + "\n",
        "x,y,\n" + BODY.replace("\n", ",\n"),
        ",x,y\n" + "".join(f"{row},{line}\n" for row, line in enumerate(BODY.split())),
        HEAD + BODY.replace(",0", ",no").replace(",1", ",yes"),
        HEAD + BODY.replace(",0", ",FALSE").replace(",1", ",true"),
        HEAD + BODY.replace(",1", ",01"),
        HEAD + "".join(f"+{line}\n" for line in BODY.split()),
    ],
)
def test_text_is_read_as_it_was_meant(content: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode("utf-8"))
    found = prepare(open_table(str(path)), [X, Y], split=Split(by="last")).fitted
    assert torch.cat([found.train["x"], found.test["x"]]).tolist() == [
        row + 0.5 for row in range(ROWS)
    ]
    assert torch.cat([found.train["y"], found.test["y"]]).tolist() == [
        row % 2 for row in range(ROWS)
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((HEAD + BODY).encode("utf-16"), "DATA01.*UTF-8"),
        ("größe,x,y\n".encode("latin-1") + b"1,2.5,0\n" * 9, "DATA01.*UTF-8"),
        (HEAD.encode() + b"\xff,1\n" * 9, "DATA05.*not in UTF-8"),
        ((HEAD + BODY + "1,2,3\n").encode(), "DATA01.*Expected 2 columns, got 3"),
        ((HEAD + BODY + "1\n").encode(), "DATA01.*Expected 2 columns, got 1"),
        ((HEAD + BODY.replace("\n", ",7\n")).encode(), "DATA01.*Expected 2 columns, got 3"),
        ((HEAD + BODY + '"1,2\n').encode(), "DATA01"),
        (HEAD.encode(), "DATA10.*has no rows"),
        (BODY.encode(), "DATA02.*no names of columns"),
        (("x,y,y\n" + BODY.replace("\n", ",1\n")).encode(), "DATA02.*two columns named `y`"),
        (("x,y, y\n" + BODY.replace("\n", ",1\n")).encode(), "DATA02.*two columns named `y`"),
        ((HEAD + BODY + "inf,1\n").encode(), "DATA11.*infinite in row 10"),
        ((HEAD + BODY + "1e999,1\n").encode(), "DATA11.*infinite in row 10"),
        ((HEAD + BODY + "nan,1\n").encode(), "DATA09.*row 10"),
        ((HEAD + BODY * 3000 + "oops,1\n").encode(), "DATA05.*`oops` in row 27001"),
        ((HEAD + BODY + "1_000,1\n").encode(), "DATA05.*`1_000` in row 10"),
        ((HEAD + BODY + '"1,000.5",1\n').encode(), "DATA05.*`1,000.5` in row 10"),
        ((HEAD + BODY).replace(",", ";").replace(".5", ",5").encode(), "DATA05.*`0,5` in row 1"),
        ((HEAD + BODY).replace(",1", ",2").encode(), "DATA07.*is 2 in row 2"),
        ((HEAD + BODY).replace(",1", ",u").replace(",0", ",v") + "1,w\n", "DATA08"),
        (HEAD + BODY.replace(",1", ",u").replace(",0", ",u"), "DATA08.*0 or 1"),
    ],
)
def test_what_is_not_meant_so_is_refused(content: bytes | str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataRefused) as caught:
        prepare(open_table(str(path)), [X, Y])
    code, _, words = said.partition(".*")
    lines = " ".join(str(caught.value).split())
    assert code in {one.code for one in caught.value.findings}
    assert words in lines


@pytest.mark.parametrize(
    ("numbers", "kept"),
    [
        (np.arange(9) + 2**60, False),
        (np.arange(9) * 2**58, True),
        (np.arange(9) + 1.6e9, False),
        (np.arange(9) + 1e5, True),
        (np.arange(9) * 1e-30, True),
        (np.arange(9, dtype=np.float32) / 7, True),
    ],
)
def test_numbers_that_single_precision_would_merge_are_refused(
    numbers: np.ndarray, kept: bool
) -> None:
    table = Table("t", (Column("x", numbers),))
    if kept:
        prepare(table, [X])
    else:
        with pytest.raises(DataRefused, match=r"DATA11.*seven digits"):
            prepare(table, [X])
