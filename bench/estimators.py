"""Hold every estimator of information and total correlation against the closed form of Gaussians.

python -m bench.estimators          # the whole grid, and the streams' time and memory (7 GB)
python -m bench.estimators --quick  # a corner of the grid, under a minute

Critics are the best there are, the log-ratio itself: what is left is the estimator's own error.
Every row is the mean over batches drawn independently. A direction holds if the mean lies on its
side of the truth, give or take three standard errors.
"""

__all__ = ["main"]

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bench import streams
from graphdsl_runtime import (
    ESTIMATORS,
    Gaussian,
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
NOISE = 0.5  #: variance of the posteriors whose means are correlated
ERRORS = 3.0  #: standard errors that a mean may lie on the wrong side


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One place of the grid."""

    correlation: float
    dimension: int
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one estimator gave at one place."""

    name: str
    case: Case
    true: float
    estimate: float
    error: float  #: standard error of the mean over batches
    held: bool | None  #: whether it lies where it is said to; None where nothing is said

    def __str__(self) -> str:
        case, held = self.case, {True: "yes", False: "NO", None: "no claim"}[self.held]
        return (
            f"| {self.name} | {ESTIMATORS[self.name].relation} | {case.correlation} "
            f"| {case.dimension} | {case.batch} | {self.true:.3f} | {self.estimate:.3f} "
            f"| {self.estimate - self.true:+.3f} | {self.error:.3f} | {held} |"
        )


class Channel:
    """x ~ N(0, I), and y with correlation r to x, column by column."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.noise = 1.0 - case.correlation**2
        self.x = torch.randn(case.batch, case.dimension, dtype=torch.float64)
        self.y = case.correlation * self.x + math.sqrt(self.noise) * torch.randn_like(self.x)
        log_var = torch.full_like(self.x, math.log(self.noise))
        self.q = Gaussian(case.correlation * self.x, log_var)
        table = self.q[:, None].log_prob(self.y) - Gaussian.unit(torch.zeros_like(self.x)).log_prob(
            self.y
        )
        self.scores = table.sum(dim=2)  # log p(y_c | x_b) / p(y_c)
        self.joint = self.scores.diagonal()
        self.others = self.scores.flatten()[1:].view(case.batch - 1, case.batch + 1)[:, :-1]

    def entropy(self) -> float:
        """H(y), in nats."""
        return 0.5 * self.case.dimension * math.log(2.0 * math.pi * math.e)

    def in_groups(self) -> tuple[nn.Module, Tensor, Tensor, Tensor, Tensor]:
        """Shift x and y by one of two groups; given which, they are what they were."""
        groups = torch.randint(2, (self.case.batch,))
        c = groups[:, None].to(self.x.dtype)
        return LogRatio(self.case.correlation), self.x + 4.0 * c, self.y + 4.0 * c, c, groups


class LogRatio(nn.Module):
    """The best critic of a channel's pairs, and of pairs shifted by a third column."""

    def __init__(self, correlation: float) -> None:
        super().__init__()
        self.correlation = correlation

    def forward(self, x: Tensor, y: Tensor, c: Tensor | None = None) -> Tensor:
        """Log p(x, y) / p(x) p(y), row by row."""
        if c is not None:
            x, y = x - 4.0 * c, y - 4.0 * c
        r = self.correlation
        square = (r * r * (x * x + y * y) - 2.0 * r * x * y) / (1.0 - r * r)
        return -0.5 * (square + math.log(1.0 - r * r)).sum(dim=1)


class Posteriors:
    """Posteriors whose means have one correlation, all with all, and a sample of each."""

    def __init__(self, case: Case) -> None:
        shared, own = torch.randn(case.batch, 1), torch.randn(case.batch, case.dimension)
        mean = math.sqrt(case.correlation) * shared + math.sqrt(1.0 - case.correlation) * own
        self.q = Gaussian(mean.double(), torch.full_like(mean, math.log(NOISE)).double())
        self.z = self.q.sample(torch.randn_like(self.q.mean))
        self.critic = LogTotal(case)


class LogTotal(nn.Module):
    """The best critic of total correlation: log q(z) / prod_j q(z_j)."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        covariance = _covariance(case)
        self.precision = torch.linalg.inv(covariance) - torch.eye(case.dimension) / (1.0 + NOISE)
        self.nats = _total_correlation(case)

    def forward(self, z: Tensor) -> Tensor:
        """Give the log-ratio of every row."""
        square: Tensor = ((z @ self.precision) * z).sum(dim=1)
        return self.nats - 0.5 * square


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

_NUMBERS = ("correlation", "dimension", "batch", "true", "estimate", "error", "standard error")
HEAD = (
    f"| estimator | relation | {' | '.join(_NUMBERS)} | held |\n"
    f"| --- | --- |{' ---: |' * len(_NUMBERS)} --- |"
)


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
    rows.sort(key=lambda row: list((*INFORMATION, *TOTAL_CORRELATION)).index(row.name))
    page = _page(rows, arguments.repeats)
    if not arguments.quick:
        page += "\n\n" + streams.section()
    print(page)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page + "\n", encoding="utf-8")
    if any(row.held is False for row in rows):
        raise SystemExit("a stated direction does not hold")


def _at(case: Case, repeats: int) -> Iterator[Row]:
    """Run all estimators on the same batches."""
    channels = [Channel(case) for _ in range(repeats)]
    information = -0.5 * case.dimension * math.log(1.0 - case.correlation**2)
    for name, estimate in INFORMATION.items():
        true = information
        if name == "conditional_information_by_difference":  # the first column is the condition
            true *= 1.0 - 1.0 / case.dimension
        yield _row(name, case, true, [estimate(channel) for channel in channels])
    posteriors = [Posteriors(case) for _ in range(repeats)]
    for name, value in TOTAL_CORRELATION.items():
        true = _total_correlation(case)
        yield _row(name, case, true, [value(posterior) for posterior in posteriors])


def _row(name: str, case: Case, true: float, values: Sequence[Tensor]) -> Row:
    drawn = torch.stack(list(values))
    mean, error = drawn.mean().item(), drawn.std().item() / math.sqrt(len(values))
    if name == "nwj":
        # The ratio's tail is too heavy for a sample to show its own variance, which is known:
        # E_{p(x) p(y)} (p(x, y) / p(x) p(y))^2 = (1 - r^2)^-D.
        pairs = len(values) * case.batch * (case.batch - 1)
        variance = (1.0 - case.correlation**2) ** -case.dimension - 1.0
        error = math.hypot(error, math.sqrt(variance / pairs))
    held = _held(name, mean - true, ERRORS * error)
    return Row(name=name, case=case, true=true, estimate=mean, error=error, held=held)


def _held(name: str, surplus: float, slack: float) -> bool | None:
    """Say whether the mean lies on the side that relation and bias name, for the best critic."""
    record = ESTIMATORS["donsker_varadhan" if name == "Mine" else name]  # of equal value
    if record.relation == "upper" or record.bias.startswith("upwards"):
        return surplus >= -slack
    if record.relation == "lower":
        return surplus <= slack
    if record.relation == "saddle":  # exact for the best critic
        return abs(surplus) <= slack
    return None


def _covariance(case: Case) -> Tensor:
    one = torch.eye(case.dimension, dtype=torch.float64)
    return case.correlation + (1.0 - case.correlation + NOISE) * one


def _total_correlation(case: Case) -> float:
    """Give the sum of the columns' entropies less that of all, in nats."""
    marginal = case.dimension * math.log(1.0 + NOISE)
    return 0.5 * (marginal - float(torch.logdet(_covariance(case))))


def _page(rows: Sequence[Row], repeats: int) -> str:
    said = [row for row in rows if row.held is not None]
    return "\n".join(
        [
            "# Estimators of information against closed forms",
            "",
            f"Made by `python -m bench.estimators` with torch {torch.__version__}, seed 0.",
            "",
            f"Correlated Gaussians, the best critic, means over {repeats} batches, in nats; N = "
            f"{ROWS} for sampling weights. Held: the mean is where relation and bias say, within "
            f"{ERRORS:.0f} standard errors.",
            "",
            HEAD,
            *map(str, rows),
            "",
            f"{sum(row.held is True for row in said)} of {len(said)} stated directions held.",
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
