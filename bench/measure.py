"""The stopwatch: rounds in which every contender runs once, so that all see the same machine.

Milliseconds of one run are worth little on a shared machine. The ratio within a round is worth
more, because whatever slows the machine slows both; its median over the rounds is what we report.
"""

__all__ = ["Step", "Timing", "compare", "disturbed", "table"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median, quantiles
from time import perf_counter

from torch import Tensor

Step = Callable[[Tensor], object]  #: one training step on one batch
WARM_UP = 30  #: rounds that are run and not counted
QUIET = 0.2  #: on a machine that does nothing else, quartiles of a ratio lie this close, relatively


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What one contender took, beside the first one of its comparison."""

    name: str
    milliseconds: float  #: median over the rounds
    ratio: float  #: median over the rounds of its time / the first one's time
    low: float  #: lower quartile of that ratio
    high: float  #: upper quartile of that ratio


def compare(
    steps: Mapping[str, Step],
    batches: Sequence[Tensor],
    rounds: int,
    clock: Callable[[], float] = perf_counter,
    warm_up: int = WARM_UP,
) -> tuple[Timing, ...]:
    """Time all steps in turn, A B C, C B A, A B C, ...; the first is what the others are held to.

    With `time.process_time` as the clock, the time that other processes take does not count.
    Raises ValueError for fewer than two rounds, which have no quartiles.
    """
    if rounds < 2:
        raise ValueError("a median needs rounds to be taken over")
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for batch in islice(cycle(batches), warm_up + rounds):
        for name in order:
            start = clock()
            steps[name](batch)
            seconds[name].append(clock() - start)
        order.reverse()
    counted = {name: times[warm_up:] for name, times in seconds.items()}
    first = next(iter(counted.values()))
    return tuple(_timing(name, times, first) for name, times in counted.items())


def disturbed(timings: Sequence[Timing]) -> bool:
    """Tell whether other work on the machine makes these ratios worth nothing.

    >>> disturbed([Timing(name="a", milliseconds=2.0, ratio=1.0, low=0.6, high=1.7)])
    True
    """
    return any(timing.high - timing.low > QUIET * timing.ratio for timing in timings)


def table(timings: Sequence[Timing]) -> str:
    """Write the timings as a markdown table.

    >>> print(table([Timing(name="a", milliseconds=2.0, ratio=1.0, low=1.0, high=1.0)]))
    | step | median ms | ratio | quartiles of the ratio |
    | --- | ---: | ---: | ---: |
    | a | 2.00 | 1.000 | 1.000 - 1.000 |
    """
    head = ["| step | median ms | ratio | quartiles of the ratio |", "| --- | ---: | ---: | ---: |"]
    rows = [
        f"| {t.name} | {t.milliseconds:.2f} | {t.ratio:.3f} | {t.low:.3f} - {t.high:.3f} |"
        for t in timings
    ]
    return "\n".join(head + rows)


def _timing(name: str, times: Sequence[float], first: Sequence[float]) -> Timing:
    ratios = [own / other for own, other in zip(times, first, strict=True)]
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return Timing(name=name, milliseconds=1000 * median(times), ratio=middle, low=low, high=high)
