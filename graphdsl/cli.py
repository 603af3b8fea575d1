"""The command line: the only file that prints, reads arguments, picks exit codes, writes files.

Exit codes: 0 fine, 1 the spec or the run is at fault, 2 wrong usage, 70 a bug of ours. Messages go
to stderr, results to stdout. Each command imports what it needs when it runs.
"""

from __future__ import annotations

__all__ = ["main"]

import gc
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from graphdsl.diagnostics import CompilerBug, Diagnostic, Source, SpecError, nearest, render

if TYPE_CHECKING:
    from graphdsl.compiler import Checked, GeneratedModule
    from graphdsl_runtime import Objective

Result = TypeVar("Result")

#: Of --const and --param: numbers are exact, and longer ones would only be slow.
_NUMBER = re.compile(r"[-+]?\d{1,18}(\.\d{1,18})?([eE][-+]?\d{1,2})?(/\d{1,18})?")

app = typer.Typer(
    name="graphdsl",
    help="Compile Bayesian networks to audited PyTorch training objectives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Stage(StrEnum):
    """What `compile --emit` shows."""

    syntax = "syntax"
    model = "model"
    graphs = "graphs"
    terms = "terms"
    loss = "loss"
    code = "code"


class Format(StrEnum):
    """How `audit` is written."""

    text = "text"
    json = "json"


Spec = Annotated[str, typer.Argument(help="A path, or the name of a spec that ships.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Where to write; - is stdout.")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings are errors.")]
Consts = Annotated[list[str] | None, typer.Option("--const", metavar="NAME=VALUE")]
Params = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE")]


def main() -> None:
    """Run the command line; no traceback reaches a user for a mistake of theirs."""
    # A compilation is over before its garbage counts, and to look for it while sympy is imported
    # takes a tenth of the time. `train` turns the collector on again.
    gc.disable()
    try:
        app()
    except CompilerBug as bug:
        _say(f"graphdsl: a bug of ours: {bug}\nPlease report it, with the spec.")
        raise SystemExit(70) from None
    except BrokenPipeError:
        raise SystemExit(0) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"graphdsl {version('graphdsl')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show it.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    pass


@app.command("compile")
def compile_command(
    spec: Spec,
    out: Out = None,
    emit: Annotated[Stage, typer.Option(help="Which stage to show or write.")] = Stage.code,
    strict: Strict = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Compile SPEC to a PyTorch module, build/MODEL.py."""
    source = _source(spec)
    if emit is not Stage.code:
        text = _reported(source, lambda: _stage(emit, source, const, param))
        _write(text, out or Path("-"))
        return
    module = _compiled(source, const, param, strict)
    target = out or Path("build") / f"{module.compiled.checked.model.name}.py"
    _write(module.text, target)
    if str(target) != "-":
        lowered = module.compiled.module
        _say(f"{target}: class {module.class_name}, {len(lowered.terms)} terms, {lowered.relation}")


@app.command("check")
def check_command(
    spec: Spec, strict: Strict = False, const: Consts = None, param: Params = None
) -> None:
    """Only say what is wrong with SPEC."""
    from graphdsl.compiler import derive

    source = _source(spec)
    checked = _reported(source, lambda: _checked(source, const, param))
    compiled = _reported(source, lambda: derive(checked))
    _warn(source, compiled.warnings, strict)
    _say(f"{source.name}: no mistakes")


@app.command("audit")
def audit_command(
    spec: Spec,
    out: Out = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.text,
    strict: Strict = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Derive and prove the objective of SPEC, before a GPU hour is spent."""
    from graphdsl.compiler import derive, read
    from graphdsl.report import audit_json, audit_text

    source = _source(spec)
    compiled = _reported(source, lambda: derive(_checked(source, const, param), keep_refuted=True))
    _warn(source, compiled.warnings, strict)
    audit = read(compiled)
    _write(audit_json(audit) if format is Format.json else audit_text(audit), out or Path("-"))
    refuted = sum(proof.status == "refuted" for proof in audit.proofs)
    if refuted:
        _fail(f"{source.name}: {refuted} assertion{'s' if refuted > 1 else ''} refuted")


@app.command("train")
def train_command(
    spec: Spec,
    data: Annotated[str, typer.Option(help="digits, digits-halves, mnist:PATH, mnist-halves:PATH")],
    epochs: Annotated[int | None, typer.Option(min=1, help="Counted from the very start.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    seed: Annotated[int, typer.Option(help="Of the weights, the order and the noise.")] = 0,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A folder; runs/MODEL.")] = None,
    resume: Annotated[Path | None, typer.Option(help="A checkpoint to go on from.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the summary.")] = False,
    const: Consts = None,
    param: Params = None,
) -> None:
    """Compile SPEC and train it on real data."""
    gc.enable()
    from graphdsl_runtime import ObjectiveError
    from graphdsl_runtime.training import TrainingError

    source = _source(spec)
    module = _compiled(source, const, param, strict=False)
    folder = out or Path("runs") / module.compiled.checked.model.name
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    settings = {name: value for name, value in given.items() if value is not None}
    try:
        _train(module, data, folder, seed, resume, quiet, settings)
    except (TrainingError, ObjectiveError) as problem:
        _fail(f"graphdsl: {problem}")


@app.command("specs")
def specs_command() -> None:
    """List the specs that ship."""
    for path in _shipped():
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        print(f"{path.stem:<12} {first.lstrip('# ')}")


# ---- compiling -----------------------------------------------------------------------------------


def _compiled(
    source: Source, const: list[str] | None, param: list[str] | None, strict: bool
) -> GeneratedModule:
    from graphdsl.compiler import compile_spec

    constants, parameters = _values(source, const, param)
    module = _reported(source, lambda: compile_spec(source, constants, parameters))
    _warn(source, module.compiled.warnings, strict)
    return module


def _checked(source: Source, const: list[str] | None, param: list[str] | None) -> Checked:
    from graphdsl.compiler import check_spec

    return check_spec(source, *_values(source, const, param))


def _stage(stage: Stage, source: Source, const: list[str] | None, param: list[str] | None) -> str:
    from graphdsl.compiler import derive
    from graphdsl.report import show_collected, show_graphs, show_loss, show_model

    checked = _checked(source, const, param)
    if stage is Stage.syntax:
        return "\n".join(map(str, checked.spec.statements)) + "\n"
    if stage is Stage.model:
        return show_model(checked.model)
    if stage is Stage.graphs:
        return show_graphs(checked.independence, checked.dags)
    compiled = derive(checked)
    return (
        show_collected(compiled.collected) if stage is Stage.terms else show_loss(compiled.module)
    )


def _values(
    source: Source, const: list[str] | None, param: list[str] | None
) -> tuple[Mapping[str, Fraction], Mapping[str, Fraction]]:
    """The values of --const and --param; a name that the spec lacks is wrong usage."""
    from graphdsl.syntax import ast, parse

    constants, parameters = _pairs("--const", const), _pairs("--param", param)
    if constants or parameters:
        statements = parse(source)[0].statements
        known = [one.name.text for one in statements if isinstance(one, ast.Constant)]
        _known("--const", constants, known, source)
        known = [one.name.text for one in statements if isinstance(one, ast.Parameter)]
        _known("--param", parameters, known, source)
    return constants, parameters


def _pairs(option: str, written: list[str] | None) -> dict[str, Fraction]:
    values = {}
    for pair in written or ():
        name, equals, value = pair.partition("=")
        try:
            if not _NUMBER.fullmatch(value.strip()):
                raise ValueError(value)
            values[name.strip()] = Fraction(value.strip())
        except (ValueError, ZeroDivisionError):
            equals = ""
        if not equals:
            _fail(f"graphdsl: {option} takes NAME=VALUE with a number, not {pair!r}", code=2)
    return values


def _known(option: str, given: Iterable[str], known: list[str], source: Source) -> None:
    for name in given:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean `{close}`?" if close else f"there are: {', '.join(known) or '-'}"
            _fail(f"graphdsl: {option}: {source.name} declares no `{name}`; {hint}", code=2)


# ---- training ------------------------------------------------------------------------------------


def _train(
    module: GeneratedModule,
    data: str,
    folder: Path,
    seed: int,
    resume: Path | None,
    quiet: bool,
    settings: dict[str, int | float],
) -> None:
    import torch
    from rich.console import Console

    from graphdsl_runtime.training import (
        draw_pictures,
        evaluate_translations,
        load_data,
        summarise,
        train,
    )

    rows = load_data(data)
    _write(module.text, folder / "objective.py")
    torch.manual_seed(seed)
    objective = _imported(folder / "objective.py", module.class_name)()
    summary = train(
        objective,
        rows,
        seed=seed,
        out=folder,
        resume=resume,
        quiet=quiet,
        resume_hint=_resume_hint(folder),
        spec_hash=module.compiled.checked.model.sha256,
        **settings,  # type: ignore[arg-type]  # epochs, batch_size, learning_rate
    )
    if summary.interrupted:
        return  # the trainer has said how to go on
    picture = draw_pictures(objective, rows, folder / "pictures.png")
    if rows.train.shape[1] > 1:
        _say("measuring what each view tells of the others ...")
    translations = evaluate_translations(objective, rows)
    Console().print(summarise(summary.history[-1], translations))
    _say(
        f"in {folder}: objective.py, last.ckpt, metrics.csv"
        + (f", {picture.name}" if picture else "")
    )


def _imported(path: Path, class_name: str) -> Callable[[], Objective]:
    from importlib.util import module_from_spec, spec_from_file_location

    found = spec_from_file_location(path.stem, path)
    if found is None or found.loader is None:
        raise CompilerBug(f"{path} cannot be imported")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    made: Callable[[], Objective] = getattr(module, class_name)
    return made


def _resume_hint(folder: Path) -> str:
    """The command that goes on after Ctrl-C: this one, from the checkpoint."""
    words, skip = [], False
    for word in sys.argv[1:]:
        if skip or word == "--resume":
            skip = not skip
            continue
        words.append(word)
    return " ".join(["graphdsl", *words, "--resume", str(folder / "last.ckpt")])


# ---- reading, writing, saying --------------------------------------------------------------------


def _source(spec: str) -> Source:
    path = Path(spec)
    if not path.exists() and path.suffix != ".mib" and path.name == spec:
        shipped = {one.stem: one for one in _shipped()}
        if spec not in shipped:
            close = nearest(spec, shipped)
            hint = f"did you mean `{close}`?" if close else f"there are {', '.join(shipped)}"
            _fail(f"graphdsl: no spec `{spec}` ships; {hint}", code=2)
        path = shipped[spec]
    try:
        return Source.read(path)
    except OSError as problem:
        _fail(f"graphdsl: {spec} cannot be read: {problem.strerror}", code=2)
    except UnicodeDecodeError:
        _fail(f"graphdsl: {spec} is no text in UTF-8")


def _shipped() -> list[Path]:
    """The specs of a wheel lie inside the package, those of a checkout beside it."""
    package = Path(__file__).parent
    folder = package / "specs"
    return sorted((folder if folder.is_dir() else package.parent / "specs").glob("*.mib"))


def _reported(source: Source, work: Callable[[], Result]) -> Result:
    """Do some work; if the spec is at fault, show every mistake and stop with code 1."""
    try:
        return work()
    except SpecError as found:
        _show(source, found.diagnostics)
        count = sum(one.severity == "error" for one in found.diagnostics)
        _fail(f"{source.name}: {count} mistake{'s' if count > 1 else ''}")


def _warn(source: Source, warnings: tuple[Diagnostic, ...], strict: bool) -> None:
    _show(source, warnings)
    if warnings and strict:
        _fail(f"{source.name}: {len(warnings)} warnings, which --strict makes errors")


def _show(source: Source, diagnostics: Iterable[Diagnostic]) -> None:
    for one in diagnostics:
        _say(render(one, source) + "\n")


def _write(text: str, target: Path) -> None:
    """Write a whole file or none: to a temporary name first, then renamed."""
    if str(target) == "-":
        sys.stdout.write(text)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as problem:
        _fail(f"graphdsl: {target} cannot be written: {problem.strerror}")


def _say(message: str) -> None:
    print(message, file=sys.stderr)


def _fail(message: str, code: int = 1) -> NoReturn:
    _say(message)
    raise typer.Exit(code)
