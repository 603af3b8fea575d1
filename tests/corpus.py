"""The specs that laws are held to: those we ship, those that the pages show, and generated ones.

    for case in chain(shipped(), documented(), generated("renaming", share=40)):
        ...

A law takes a share of the generated specs, which moves with the commit. `FUZZ=10000` in the
environment tries that many instead, and `FUZZ=1 FUZZ_START=7` tries seed 7 alone. All laws start at
one seed, so that a spec is compiled once for all of them. The report of a failing test shows the
case at which it failed.
"""

from __future__ import annotations

__all__ = [
    "Case",
    "begin",
    "case_at_hand",
    "compiled",
    "compiling",
    "documented",
    "fewer",
    "fuzz",
    "generated",
    "seeds",
    "shipped",
    "some",
]

import hashlib
import math
import os
import pickle
import random
import re
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar

from graphdsl.compiler import GeneratedModule, compile_spec
from graphdsl.diagnostics import Source, SpecError, explained, explanation
from tests.generated import generated_spec

T = TypeVar("T")

_ROOT = Path(__file__).parent.parent
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MODEL = re.compile(r"^\s*model (\w+)", re.MULTILINE)
_ASSERTION = re.compile(r"^assert .*\n", re.MULTILINE)
_SEEDS = 10**9
_MOST_KEPT = 40_000  #: compiled specs, of about 7 kB each: to read one back takes 1 ms, not 40
_kept: dict[tuple[str, tuple[tuple[str, Fraction], ...]], bytes | None] = {}
#: Seeds that every law has been tried with, and passed: shares come from among them.
_TRIED = range(41_000_000, 41_000_500)


@dataclass(frozen=True)
class Case:
    """A spec that a law is held to."""

    name: str  #: where it comes from; of a generated one, its law and its seed
    text: str
    constants: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """The spec as a file."""
        return Source(f"{self.name}.mib", self.text)

    def without_assertions(self) -> Case:
        """The same objective without its claims: most of the generated ones are false."""
        return replace(self, text=_ASSERTION.sub("", self.text))

    def __str__(self) -> str:
        seed = self.name.rpartition("_")[2]
        again = f"FUZZ=1 FUZZ_START={seed}\n" if seed.isdecimal() else ""
        values = "".join(f"--const {name}={value}\n" for name, value in self.constants.items())
        return f"{self.name}\n{again}{values}{self.text}"


def shipped() -> Iterator[Case]:
    """Every spec of the folder `specs`."""
    for path in sorted((_ROOT / "specs").glob("*.mib")):
        yield _now_at(Case(path.stem, Source.read(path).text))


def documented() -> Iterator[Case]:
    """Every spec that a page shows and that compiles; many are there to show a mistake."""
    for case in _of_pages():
        if compiled(case) is not None:
            yield case


def generated(
    law: str, share: int, made: Callable[[int], str] = generated_spec, most: int = 100_000
) -> Iterator[Case]:
    """Random specs, `share` of them in `make test`: some mean nothing, and are refused.

    Args:
        law: What they are for.
        share: How many, unless FUZZ in the environment asks for another number.
        made: The spec of a seed.
        most: The most that FUZZ may ask for: less where a case takes seconds.
    """
    for seed in seeds(min(fuzz(share), most)):
        yield _now_at(Case(f"{law}_{seed}", made(seed)))


def seeds(count: int) -> range:
    """The seeds of all laws: from FUZZ_START, or some of those tried, which the commit draws."""
    given = os.environ.get("FUZZ_START")
    if given:
        start = int(given)
    elif "FUZZ" in os.environ:
        start = _draw("seeds") % _SEEDS
    else:
        start = _TRIED.start + _draw("seeds") % max(1, len(_TRIED) - count)
    return range(start, start + count)


def fuzz(share: int) -> int:
    """How many cases to try: `share`, unless FUZZ in the environment asks for another number."""
    return int(os.environ.get("FUZZ") or share)


def fewer(usual: T, among_many: T) -> T:
    """How often to try each case: `usual`, or `among_many` where FUZZ asks for many cases."""
    return among_many if "FUZZ" in os.environ else usual


def some(law: str, cases: Sequence[T], share: int) -> list[T]:
    """A share of the cases, in their order; all of them where FUZZ is in the environment.

    For laws that take seconds a case, such as those that torch compiles.
    """
    chosen = random.Random(_draw(law)).sample(range(len(cases)), min(fuzz(share), len(cases)))
    return [cases[place] for place in sorted(chosen)]


def compiled(case: Case) -> GeneratedModule | None:
    """What a case compiles to, or None where the compiler refuses it.

    Results are kept: the laws of one process compile a spec once.
    """
    _now_at(case)
    return _compiled(case.text, tuple(sorted(case.constants.items())))


def compiling(
    cases: Iterable[Case], *, at_least: float = 0.3
) -> Iterator[tuple[Case, GeneratedModule]]:
    """The cases that compile, with what they compile to.

    Raises:
        AssertionError: At the end, if the fraction that compiled is below `at_least` by more than
            chance has it, three deviations: a law that holds of refused specs holds of nothing.
    """
    tried = accepted = 0
    for case in cases:
        tried += 1
        module = compiled(case)
        if module is not None:
            accepted += 1
            yield case, module
    chance = 3 * math.sqrt(at_least * (1 - at_least) * tried)
    enough = max(1.0, at_least * tried - chance)
    assert accepted >= enough, f"only {accepted} of {tried} cases compile"


# ---- the case at hand: the report of a failing test shows it -------------------------------------

_at: Case | None = None


def begin() -> None:
    """Forget the cases of the last test."""
    global _at
    _at = None


def case_at_hand() -> Case | None:
    """The case that was asked for last."""
    return _at


def _now_at(case: Case) -> Case:
    global _at
    _at = case
    return case


# ---- sources -------------------------------------------------------------------------------------


@cache
def _of_pages() -> tuple[Case, ...]:
    """Each spec of the README, the pages under docs, and the explanations, once."""
    found = []
    for path in [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]:
        page = path.relative_to(_ROOT).with_suffix("").as_posix().replace("/", "_")
        for number, fence in enumerate(_FENCE.finditer(path.read_text(encoding="utf-8"))):
            language, text = fence.groups()
            model = _MODEL.search(text)
            if model is not None and language in ("", "mib"):
                found.append(Case(f"{page}_{number}_{model[1]}", text))
    for page_of_code in map(explanation, explained()):
        for which, text in (("wrong", page_of_code.wrong), ("right", page_of_code.right)):
            if text:
                found.append(Case(f"{page_of_code.code}_{which}", text))
    return tuple({case.text: case for case in reversed(found)}.values())[::-1]


@lru_cache(maxsize=2048)
def _compiled(text: str, constants: tuple[tuple[str, Fraction], ...]) -> GeneratedModule | None:
    key = text, constants
    if key in _kept:
        kept = _kept[key]
        return None if kept is None else pickle.loads(zlib.decompress(kept))  # our own bytes
    try:
        made = compile_spec(Source("spec.mib", text), dict(constants))
    except SpecError:
        made = None
    if len(_kept) < _MOST_KEPT:
        _kept[key] = None if made is None else zlib.compress(pickle.dumps(made), 1)
    return made


@cache
def _draw(law: str) -> int:
    """A number of a law, or of the seeds of all, and the commit."""
    digest = hashlib.sha256(f"{_commit()} {law}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


@cache
def _commit() -> str:
    """The commit that is checked out; nothing in a copy without git."""
    command = ["git", "-C", str(_ROOT), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()
