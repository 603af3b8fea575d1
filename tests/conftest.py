"""Golden files, the shipped specs, quiet threads for all tests, and double precision for some."""

from __future__ import annotations

__all__ = ["SPECS", "Golden"]

import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
import torch

from tests import corpus

ROOT = Path(__file__).parent.parent
SPECS = tuple(sorted((ROOT / "specs").glob("*.mib")))
_GOLDEN = ROOT / "tests" / "golden"


class Golden(Protocol):
    """Compare a text with the file that keeps it; `--update-golden` rewrites the file."""

    def __call__(self, text: str, *place: str) -> None:
        """Hold the text against tests/golden/PLACE."""
        ...


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the spec at which a law failed."""
    report = yield
    case = corpus.case_at_hand()
    if call.when == "call" and report.failed and case is not None:
        report.sections.append(("the case at hand", str(case)))
    return report


def pytest_configure() -> None:
    """Let an interrupt through, and seed the CPU alone.

    Tests send interrupts, and `nohup` or `&` of a shell ignores them.  `torch.manual_seed` formats
    the stack once for each kind of device that is not there: 4 ms a call, a fifth of a law's time.
    """
    if not torch.accelerator.is_available():
        torch.manual_seed = torch.default_generator.manual_seed
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup() -> None:
    """A test has not drawn a case yet."""
    corpus.begin()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` rewrites golden files: then read the diff."""
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """What was said, and what a person agreed that it should be."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(text: str, *place: str) -> None:
        path = _GOLDEN.joinpath(*place)
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing: pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Tests run side by side: each keeps to one thread, if it uses torch at all."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture
def in_double_precision() -> Iterator[None]:
    """A seed, and twice the digits: for laws that hold to the last of them."""
    import torch

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
