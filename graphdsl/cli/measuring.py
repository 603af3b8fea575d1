"""What `graphdsl evaluate` measures by columns of the data: probes, gaps and coherence."""

from __future__ import annotations

__all__ = ["Measured", "more_lines"]

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING

from graphdsl.cli.console import fail
from graphdsl.cli.using import Reading, Rows, data_of, refusals, rows_of

if TYPE_CHECKING:
    from graphdsl.api.coherence import Coherence
    from graphdsl.api.evaluation import Evaluation
    from graphdsl.api.gaps import Gap
    from graphdsl.api.probing import Probe
    from graphdsl_runtime import Objective
    from graphdsl_runtime.data import ReadRows, Table
    from graphdsl_runtime.in_use import Drawn


@dataclass(frozen=True)
class Measured:
    """A model and a source of data, of which further columns are read where they are asked for."""

    objective: Objective
    data: str
    options: Reading
    remarks: list[str] = field(default_factory=list)  #: what could not be measured, and why

    def probes(self, names: Sequence[str]) -> tuple[Probe, ...]:
        """Fit probes to the codes of the training rows, and try them on the held-out ones."""
        if not names:
            return ()
        from graphdsl.api.probing import probe_of_targets
        from graphdsl.api.targets import targets_of
        from graphdsl_runtime.in_use import read_by_infer

        self._refuse_no_codes()
        train, test = self._parts(read_by_infer(self.objective))
        codes = (self._codes(train), self._codes(test))
        with _stopping():
            targets = [targets_of(self._table, name, "--probe") for name in names]
            return tuple(
                probe_of_targets(codes, (one.at(train.places), one.at(test.places)))
                for one in targets
            )

    def gaps(self, names: Sequence[str], rows: ReadRows) -> tuple[Gap, ...]:
        """Measure the mutual information gap of factors on the rows that are evaluated."""
        if not names:
            return ()
        from graphdsl.api.gaps import gap
        from graphdsl.api.targets import targets_of
        from graphdsl_runtime.data.errors import refused
        from graphdsl_runtime.in_use import Drawn

        self._refuse_no_codes()
        codes, gaps = self._codes(rows), []
        with _stopping():
            for name in names:
                targets = targets_of(self._table, name, "--factor").at(rows.places)
                if not targets.classes:
                    said = f"`{name}` has more than 50 values: a factor has few"
                    raise refused("DATA08", "--factor", said, f"write --probe {name}")
                there = targets.there
                known = {
                    latent: Drawn(one.mean[there], one.sample[there])
                    for latent, one in codes.items()
                }
                gaps.append(gap(name, known, targets.values[there]))
        return tuple(gaps)

    def coherences(self, names: Sequence[str]) -> tuple[Coherence, ...]:
        """Measure all pairs of views; a pair that cannot be translated gets a remark."""
        if not names:
            return ()
        from graphdsl.api.coherence import Part, coherence, views_of
        from graphdsl.api.targets import targets_of
        from graphdsl_runtime import ObjectiveError

        train, test = self._parts(data_of(self.objective))
        measured = []
        with _stopping():
            for name in names:
                targets = targets_of(self._table, name, "--coherence")
                views = views_of(self.objective, name)
                if len(views) < 2:
                    fail(f"graphdsl: --coherence {name}: the model generates one view alone")
                parts = [Part(one.batch, targets.at(one.places)) for one in (train, test)]
                for source, to in permutations(views, 2):
                    try:
                        measured.append(
                            coherence(
                                self.objective,
                                source,
                                to,
                                *parts,
                                batch_size=self.options.batch_size,
                            )
                        )
                    except (ObjectiveError, ValueError) as problem:
                        said = str(problem).splitlines()[0]
                        self.remarks.append(f"no coherence from {source} to {to}: {said}")
        return tuple(measured)

    @cached_property
    def _table(self) -> Table:
        from graphdsl_runtime.data import open_table

        return open_table(self.data)

    def _refuse_no_codes(self) -> None:
        from graphdsl_runtime.in_use.codes import refuse_no_codes

        with refusals():
            refuse_no_codes(self.objective)

    def _parts(self, needed: Sequence[str]) -> tuple[ReadRows, ReadRows]:
        train, test = (
            rows_of(self.objective, needed, self.data, replace(self.options, rows=part))
            for part in (Rows.train, Rows.held_out)
        )
        return train, test

    def _codes(self, rows: ReadRows) -> Mapping[str, Drawn]:
        from graphdsl_runtime.in_use import encode, read_part

        seen = read_part(self.objective, rows.batch)
        return encode(self.objective, seen, batch_size=self.options.batch_size)


def more_lines(evaluation: Evaluation) -> Iterator[str]:
    """Print what was measured besides the terms: a heading, and a line for each figure."""
    sections = {
        "active units": map(_active, evaluation.active.items()),
        "from the codes, on held-out rows": map(_probed, evaluation.probes),
        "mutual information gap of factors": _gaps(evaluation.gaps),
        "coherence of views that are translated, on held-out rows": map(
            _pair, evaluation.coherences
        ),
    }
    for heading, lines in sections.items():
        for number, line in enumerate(lines):
            if not number:
                yield heading
            yield line


def _active(unit: tuple[str, tuple[int, int]]) -> str:
    name, (active, units) = unit
    return f"  {name:<24} {active} of {units}"


def _probed(one: Probe) -> str:
    return (
        f"  {one.of:<24} {one.kind}: {one.linear:.4f} linear, {one.neighbours:.4f} by neighbours, "
        f"{one.without:.4f} without codes, of {one.rows} rows"
    )


def _gaps(gaps: Sequence[Gap]) -> Iterator[str]:
    for one in gaps:
        yield (
            f"  {one.of:<24} {one.gap:.4f}: {one.unit} has {one.information:.4f} of "
            f"{one.entropy:.4f} nats, the next {one.second:.4f}, of {one.rows} rows"
        )
    if gaps:
        yield f"  {'mean':<24} {sum(one.gap for one in gaps) / len(gaps):.4f}"


def _pair(one: Coherence) -> str:
    pair = f"{one.source} to {one.to}"
    return (
        f"  {pair:<24} {one.of}, {one.kind}: {one.translated:.4f}, {one.real:.4f} real, "
        f"{one.without:.4f} without a view, of {one.rows} rows"
    )


@contextmanager
def _stopping() -> Iterator[None]:
    """Stop with a line for what a column can be refused for."""
    with refusals():
        try:
            yield
        except ValueError as problem:
            fail(f"graphdsl: {problem}")
