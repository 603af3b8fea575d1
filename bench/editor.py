"""How long the language server takes to answer a keystroke: a real client, a spec of 300 lines.

python -m bench.editor
"""

__all__ = ["main"]

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median, quantiles

from bench.large import long_spec
from tests.editor_client import Client

TARGET = 150.0  #: ms, of the median
_WARM_UP = 10

#: A keystroke of each kind: what is replaced in the spec, and by what; `{}` is a number.
KEYSTROKES = {
    "in a comment": ("# view 3", "# view 3 {}"),
    "in a number": ("param beta_3 = 1", "param beta_3 = 1.{}"),
    "an unknown name": ("x3, z -> u3", "x3, y{} -> u3"),
    "an unfinished term": ("beta_3 * D(q || from_3)", "beta_3 * D(q || # {}"),
    "an unfinished line": ("x3, z -> u3", "x3, z -> # {}"),
}


def main() -> None:
    """Type into the spec, print the times and write them to a markdown file."""
    arguments = _arguments()
    text = long_spec(27)
    client = Client()
    client.start()
    client.open(text)
    client.settle(1)
    rows = [
        "| keystroke | median ms | 90% under ms | processor ms of the server |",
        "| --- | ---: | ---: | ---: |",
    ]
    every: list[float] = []
    computed: list[float] = []
    for name, (before, after) in KEYSTROKES.items():
        assert before in text
        texts = (text.replace(before, after.format(n), 1) for n in range(arguments.keystrokes))
        start = client.processor_seconds
        times = list(_times(client, texts, arguments.pause))[_WARM_UP:]
        spent = (client.processor_seconds - start) / arguments.keystrokes
        computed.append(spent * 1000)
        every += times
        rows.append(_row(name, times, computed[-1:]))
    middle = median(every)
    rows.append(_row("all", every, computed))
    derivations = client.derivations
    logged = [float(line.split()[-2]) for line in client.logged if line.startswith("derived ")]
    client.stop()
    verdict = "met" if middle <= TARGET else "MISSED"
    parts = [
        "# Answers of the language server",
        f"Made by `python -m bench.editor --keystrokes {arguments.keystrokes} "
        f"--pause {arguments.pause}`.",
        f"A client opens a spec of {len(text.splitlines())} lines and types; each keystroke makes "
        "a text that the server has not seen. The time is from sending the text to the arrival of "
        "its diagnostics of syntax, names and networks, over the pipes of a process. Where the "
        "time is much longer than the server computes, the machine was doing other work.",
        "\n".join(rows),
        f"Target: a median of at most {TARGET:.0f} ms: {verdict}.",
        f"Meanwhile the server derived {derivations} texts, each in {median(logged):.0f} ms "
        "(median): those at which typing paused. Their diagnostics follow by themselves.",
    ]
    result = "\n\n".join(parts) + "\n"
    arguments.output.write_text(result, encoding="utf-8")
    print(result)


def _row(name: str, times: list[float], computed: list[float]) -> str:
    high = quantiles(times, n=10)[-1]
    return f"| {name} | {median(times):.0f} | {high:.0f} | {mean(computed):.0f} |"


def _times(client: Client, texts: Iterator[str], pause: float) -> Iterator[float]:
    """Milliseconds from each text to its first diagnostics."""
    for text in texts:
        start = time.perf_counter()
        client.type(text)
        yield (time.perf_counter() - start) * 1000
        client.idle(pause)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keystrokes", type=int, default=60, help="of each kind")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between them")
    parser.add_argument("--output", type=Path, default=Path("docs/results/editor.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
