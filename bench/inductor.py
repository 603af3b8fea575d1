"""Compile every shipped spec's module with Inductor, as one graph, and hold it against eager torch.

python -m bench.inductor            # all of specs/: some ten minutes, and a C++ compiler
python -m bench.inductor vae wyner

Losses and gradients of all players have to be those of eager torch; steps are timed side by side.
"""

__all__ = ["main"]

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import torch
import torch._functorch.config
import torch._inductor.config
from torch import Tensor

from bench.measure import Step, compare
from graphdsl import Source, compile_spec
from graphdsl_runtime import Losses, Objective, Variable

ROWS, BATCH = 60_000, 128
TOLERANCE = 1e-4  #: of losses and gradients in float32, relative to the largest entry
SPECS = Path(__file__).parent.parent / "specs"


def main() -> None:
    """Compare, print a table and write it to a markdown file; fail where the two differ."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch._inductor.config.fallback_random = True  # what is drawn inside is what eager torch draws
    torch._functorch.config.donated_buffer = False  # players share a graph
    lines, wrong = [], []
    for path in arguments.paths:
        apart, eager, compiled, ratio = _measure(path, arguments.rounds)
        row = f"| {path.stem} | {apart:.1e} | {eager:.2f} | {compiled:.2f} | {ratio:.3f} |"
        print(row, flush=True)
        lines.append(row)
        wrong += [path.stem] if not apart <= TOLERANCE else []
    page = "\n".join([_opening(arguments), "", *HEAD, *lines])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(page + "\n", encoding="utf-8")
    if wrong:
        raise SystemExit(f"another loss, or another gradient, than in eager torch: {wrong}")


HEAD = (
    "| spec | largest difference | eager ms | Inductor ms | ratio |",
    "| --- | ---: | ---: | ---: | ---: |",
)


def _measure(path: Path, rounds: int) -> tuple[float, float, float, float]:
    """Give the largest difference, relatively; the times of both; and their ratio."""
    torch.compiler.reset()
    torch.manual_seed(0)
    objective = _made(path)
    objective.rows = ROWS
    batch = {
        one.name: _values(one) for one in objective.variables if one.role in {"observed", "given"}
    }
    noise = objective.draw_noise(torch.empty(BATCH))
    compiled = torch.compile(objective, fullgraph=True)

    def difference() -> float:
        # What a module draws inside itself, such as permutations, comes from one seed as well.
        torch.manual_seed(1)
        ours = _gradients(objective, compiled(batch, noise))
        torch.manual_seed(1)
        theirs = _gradients(objective, objective(batch, noise))
        return max(_apart(ours[name], theirs[name]) for name in theirs)

    apart = difference()
    steps: dict[str, Step] = {
        "eager": lambda x: _back(objective(batch, noise)),
        "inductor": lambda x: _back(compiled(batch, noise)),
    }
    eager, inductor = compare(steps, [next(iter(batch.values()))], rounds)
    return apart, eager.milliseconds, inductor.milliseconds, inductor.ratio


def _made(path: Path) -> Objective:
    made = compile_spec(Source.read(path), {})
    module = ModuleType(f"emitted_{made.class_name}")
    sys.modules[module.__name__] = module  # torch.compile looks globals up by module
    exec(compile(made.text, path.name, "exec"), module.__dict__)  # our own text
    objective: Objective = getattr(module, made.class_name)()
    return objective


def _values(one: Variable) -> Tensor:
    size = (BATCH, *one.tensor_shape)
    if one.kind == "real":
        return torch.randn(size)
    values = torch.randint(one.classes or 2, size)
    return values if one.kind == "categorical" else values.float()


def _gradients(objective: Objective, losses: Losses) -> Mapping[str, Tensor]:
    """Give every player's loss, and its gradient in its own parameters."""
    found = {name: loss.detach() for name, loss in losses.players.items()}
    names = {id(one): name for name, one in objective.named_parameters()}
    for player, own in objective.parameter_groups().items():
        loss = losses.players[player]
        slopes = torch.autograd.grad(loss, own, retain_graph=True, allow_unused=True)
        for one, slope in zip(own, slopes, strict=True):
            if slope is not None:
                found[f"{player} {names[id(one)]}"] = slope
    return found


def _apart(ours: Tensor, theirs: Tensor) -> float:
    largest = theirs.abs().max().clamp(min=1e-3)
    return float((ours - theirs).abs().max() / largest)


def _back(losses: Losses) -> None:
    torch.stack(list(losses.players.values())).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped


def _opening(arguments: argparse.Namespace) -> str:
    named: Sequence[str] = [f" {path.stem}" for path in arguments.paths] if arguments.specs else []
    return (
        "# Emitted modules under Inductor\n\n"
        f"Made by `python -m bench.inductor{''.join(named)} --rounds {arguments.rounds} --threads "
        f"{arguments.threads}` with torch {torch.__version__} on a CPU.\n\n"
        "Each module as one graph (`fullgraph=True`), on batches of 128 rows, as its spec stands: "
        "losses and gradients beside those of eager torch, relative to the largest entry of each "
        "(what is drawn inside, such as permutations, both draw alike: `fallback_random`), "
        "and the time forward and backward. Both run once in every round, in turning order; the "
        "ratio is the median over the rounds of Inductor / eager."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="emitted modules under Inductor")
    parser.add_argument("specs", nargs="*", help="names of shipped specs; by default all")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/results/inductor.md"))
    arguments = parser.parse_args()
    every = sorted(SPECS.glob("*.mib"))
    arguments.paths = [SPECS / f"{name}.mib" for name in arguments.specs] or every
    return arguments


if __name__ == "__main__":
    main()
