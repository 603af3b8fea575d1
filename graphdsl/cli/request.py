"""What a run is asked for: by the words of the command line, and by the `run.toml` they name."""

from __future__ import annotations

__all__ = ["Request", "command_line"]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from graphdsl.cli.console import fail
from graphdsl.cli.records import Given
from graphdsl.cli.run_file import RunFile, kept_specs
from graphdsl.cli.sources import open_source
from graphdsl.diagnostics import Source
from graphdsl.runs.reading import DataOptions
from graphdsl_files import TooLarge, TrainingSettings, present, settings_of, shown, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A spec, data, and how to train on them."""

    spec: str | None
    data: str | None
    networks: str | None = None  #: `MODULE:FUNCTION`
    const: tuple[str, ...] = ()
    param: tuple[str, ...] = ()
    options: Given  #: fields of `DataOptions`
    training: Given  #: fields of `TrainingSettings`
    file: RunFile | None = None  #: that said what the command line did not

    def completed(self, file: RunFile) -> Request:
        """Take from a file what the command line does not say."""
        return replace(
            self,
            spec=self.spec or file.spec,
            data=self.data or file.data,
            networks=self.networks or file.networks,
            const=_pairs(file.const, self.const),
            param=_pairs(file.param, self.param),
            options={**file.options, **self.options},
            training={**file.training, **self.training},
            file=replace(
                file,  # what the command line names is taken as it is now
                spec_sha256=None if self.spec else file.spec_sha256,
                init_sha256=None if "init" in self.training else file.init_sha256,
            ),
        )

    @property
    def data_options(self) -> DataOptions:
        """How the data are read."""
        return DataOptions(**self.options)

    @property
    def settings(self) -> TrainingSettings:
        """How the model is trained."""
        return TrainingSettings(**self.training)

    def source(self) -> Source:
        """The spec; one that a file names is the very text of its hash, or the command stops."""
        assert self.spec is not None  # the command has seen to that
        wanted = None if self.file is None else self.file.spec_sha256
        if self.file is None or wanted is None:
            return open_source(self.spec)
        for copy in kept_specs(self.file.place):
            try:
                kept = Source(self.spec, Source.read(present(copy.parent) / copy.name).text)
            except (OSError, UnicodeDecodeError, TooLarge):
                continue
            if kept.sha256 == wanted:
                return kept
        source = open_source(self.spec)
        if source.sha256 != wanted:
            fail(
                f"graphdsl: {shown(self.file.place)} cannot be used\n"
                f"RUN06  `{shown(self.spec)}` has changed since\n"
                f"         its hash in the file: {shown(wanted)}\n"
                f"         its hash now:         {source.sha256}\n"
                "        name the spec on the command line to train it as it is now"
            )
        return source

    def record(self) -> dict[str, Any]:
        """What `run.toml` says of it: every setting, those by default too."""
        return {
            "spec": self.spec,
            **({"networks": self.networks} if self.networks else {}),
            "data": self.data,
            **({"const": self.const} if self.const else {}),
            **({"param": self.param} if self.param else {}),
            **written(self.data_options),
            **written(self.settings),
        }

    def command(self, out: Path | None) -> list[str]:
        """The command line that asks for the same without a file."""
        assert self.spec is not None
        asked: dict[str, object] = {
            "data": self.data,
            **({"networks": self.networks} if self.networks else {}),
            "const": self.const,
            "param": self.param,
        }
        for record, given in ((DataOptions, self.options), (TrainingSettings, self.training)):
            known = settings_of(record)
            changed = {name: one for name, one in given.items() if one != known[name].default}
            asked |= {known[name].key: value for name, value in changed.items()}
        words = ["graphdsl", "train", self.spec]
        for key, value in asked.items():
            words += _words(f"--{key.replace('_', '-')}", value)
        return words if out is None else [*words, "-o", str(out)]


def command_line() -> list[str]:
    """The command that this is, without what says where a run begins."""
    words, rest = ["graphdsl"], iter(click.get_current_context().find_root().obj)
    for word in rest:
        if word == "--resume":
            next(rest, None)
        elif word != "--force" and not word.startswith("--resume="):
            words.append(word)
    return words


def _words(option: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    values: Sequence[object] = value if isinstance(value, tuple) else (value,)
    return [word for one in values for word in (option, str(one))]


def _pairs(earlier: Sequence[str], later: Sequence[str]) -> tuple[str, ...]:
    """Names and their values, the later ones in the place of earlier ones of the same name."""
    names = {one.partition("=")[0].strip() for one in later}
    kept = [one for one in earlier if one.partition("=")[0].strip() not in names]
    return (*kept, *later)
