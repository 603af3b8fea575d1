"""Hold every estimator of information and total correlation against the closed form of Gaussians.

python -m bench.estimators          # the whole grid, and the streams' time and memory (7 GB)
python -m bench.estimators --quick  # a corner of the grid, under a minute

Critics are the best there are, the log-ratio itself: what is left is the estimator's own error.
Every row is the mean over batches drawn independently. A direction holds if the mean lies on its
side of the truth, give or take four standard errors, which chance exceeds in one run of sixty.
"""

__all__ = ["main"]

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench import streams
from bench.discrepancies import DISCREPANCIES
from bench.gaussians import Case, Channel, LogRatio, Posteriors, total_correlation
from bench.rows import ERRORS, HEAD, Row, row_of
from graphdsl_runtime import (
    Mine,
    barber_agakov,
    club,
    conditional_information_by_difference,
    conditional_information_critic,
    donsker_varadhan,
    info_nce,
    information_critic,
    information_leave_in,
    information_loo,
    information_mine,
    nwj,
    smile,
    total_correlation_critic,
    total_correlation_loo,
    total_correlation_mss,
    total_correlation_mws,
)

ROWS = 10_000  #: of the data set that sampling weights stand for


#: Estimator -> its value on a batch of a channel.
INFORMATION: Mapping[str, Callable[[Channel], Tensor]] = {
    "barber_agakov": lambda c: barber_agakov(c.q.nll(c.y), c.entropy()),
    "info_nce": lambda c: info_nce(c.joint, c.scores),
    "nwj": lambda c: nwj(c.joint + 1.0, c.others + 1.0),
    "donsker_varadhan": lambda c: donsker_varadhan(c.joint, c.others),
    "Mine": lambda c: Mine()(c.joint, c.others),
    "smile": lambda c: smile(c.joint, c.others),
    "club": lambda c: club(c.y, c.q),
    "information_leave_in": lambda c: information_leave_in(c.y, c.q),
    "information_loo": lambda c: information_loo(c.y, c.q),
    "information_critic": lambda c: (
        information_critic(LogRatio(c.case.correlation), c.x, c.y).model
    ),
    "information_mine": lambda c: information_mine(LogRatio(c.case.correlation), c.x, c.y).model,
    "conditional_information_critic": lambda c: (
        conditional_information_critic(*c.in_groups()).model
    ),
    "conditional_information_by_difference": lambda c: conditional_information_by_difference(
        information_loo(c.y, c.q), information_leave_in(c.y[:, :1], c.q[:, :1])
    ),
}

#: Estimator -> its value on a batch of posteriors.
TOTAL_CORRELATION: Mapping[str, Callable[[Posteriors], Tensor]] = {
    "total_correlation_mss": lambda p: total_correlation_mss(p.z, p.q, ROWS),
    "total_correlation_mws": lambda p: total_correlation_mws(p.z, p.q, ROWS),
    "total_correlation_loo": lambda p: total_correlation_loo(p.z, p.q),
    "total_correlation_critic": lambda p: total_correlation_critic(p.critic, p.z).model,
}


def main() -> None:
    """Print the table, and write it where asked to; fail if a stated direction does not hold."""
    arguments = _arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    correlations = (0.5, 0.9) if arguments.quick else (0.3, 0.6, 0.9)
    dimensions = (2, 8) if arguments.quick else (2, 4, 16)
    batches = (16, 128) if arguments.quick else (16, 64, 256)
    rows = [
        row
        for correlation in correlations
        for dimension in dimensions
        for batch in batches
        for row in _at(
            Case(correlation=correlation, dimension=dimension, batch=batch), arguments.repeats
        )
    ]
    rows.sort(key=lambda row: [*INFORMATION, *TOTAL_CORRELATION, *DISCREPANCIES].index(row.name))
    page = _page(rows, arguments.repeats)
    if not arguments.quick:
        page += "\n\n" + streams.section()
    print(page)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page + "\n", encoding="utf-8")
    if any(row.held == "NO" for row in rows):
        raise SystemExit("a stated direction does not hold")


def _at(case: Case, repeats: int) -> Iterator[Row]:
    """Run all estimators on the same batches."""
    channels = [Channel(case) for _ in range(repeats)]
    information = -0.5 * case.dimension * math.log(1.0 - case.correlation**2)
    for name, estimate in INFORMATION.items():
        true = information
        if name == "conditional_information_by_difference":  # the first column is the condition
            true *= 1.0 - 1.0 / case.dimension
        known = _nwj_error(case, repeats) if name == "nwj" else 0.0
        yield row_of(name, case, true, [estimate(channel) for channel in channels], known)
    posteriors = [Posteriors(case) for _ in range(repeats)]
    for name, value in TOTAL_CORRELATION.items():
        values = [value(posterior) for posterior in posteriors]
        yield row_of(name, case, total_correlation(case), values)
    for name, discrepancy in DISCREPANCIES.items():
        true, known = discrepancy.true(case)
        yield row_of(name, case, true, [discrepancy.value(one) for one in channels], known)


def _nwj_error(case: Case, repeats: int) -> float:
    """Standard error of a mean of ratios, whose tail is too heavy for a sample to show it.

    E_{p(x) p(y)} (p(x, y) / p(x) p(y))^2 = (1 - r^2)^-D.
    """
    pairs = repeats * case.batch * (case.batch - 1)
    variance = (1.0 - case.correlation**2) ** -case.dimension - 1.0
    return math.sqrt(variance / pairs)


def _page(rows: Sequence[Row], repeats: int) -> str:
    said = [row for row in rows if row.held in ("yes", "NO")]
    undecided = sum(row.held == "undecided" for row in rows)
    return "\n".join(
        [
            "# Estimators of information against closed forms",
            "",
            f"Made by `python -m bench.estimators` with torch {torch.__version__}, seed 0.",
            "",
            f"Correlated Gaussians, the best critic, means over {repeats} batches; N = {ROWS} for "
            "sampling weights. True is the information, the total correlation, or what the word "
            "says that it estimates, in its unit. Held: the mean is where relation and bias say, "
            f"within {ERRORS:.0f} standard errors; undecided: these would hide all of the truth.",
            "",
            HEAD,
            *map(str, rows),
            "",
            f"{sum(row.held == 'yes' for row in said)} of {len(said)} stated directions held; "
            f"{undecided} undecided.",
        ]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Estimators against closed forms.")
    parser.add_argument("--quick", action="store_true", help="a corner of the grid")
    parser.add_argument("--repeats", type=int, help="batches per mean; by default 40 or 200")
    parser.add_argument("--out", type=Path, help="write the page there as well")
    arguments = parser.parse_args()
    arguments.repeats = arguments.repeats or (40 if arguments.quick else 200)
    return arguments


if __name__ == "__main__":
    main()
