"""The tables that a run ends with."""

from __future__ import annotations

__all__ = ["summarise"]

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from graphdsl_runtime.training.evaluate import Translation
from graphdsl_runtime.training.metrics import Epoch


def summarise(epoch: Epoch | None, translations: Sequence[Translation] = ()) -> Group:
    """Lay out an epoch's loss and terms and what translations cost, as far as there are any.

    Unit: nats per row, and the ratio to the cost under independent pixels.
    """
    tables = [_losses(epoch)] if epoch else []
    if translations:
        tables.append(_costs(translations))
    return Group(*tables)


def _losses(epoch: Epoch) -> Table:
    table = Table(title=f"after epoch {epoch.number}, in nats", title_justify="left")
    table.add_column("")
    table.add_column("training", justify="right")
    table.add_column("held out", justify="right")
    for name, value in epoch.train.items():
        table.add_row(name, f"{value:.2f}", f"{epoch.held_out[name]:.2f}")
    return table


def _costs(translations: Sequence[Translation]) -> Table:
    table = Table(
        title=f"cost of a held-out view in nats, and its ratio to the per-pixel mean's "
        f"({translations[0].rows} rows)",
        title_justify="left",
    )
    table.add_column("")
    for translation in translations:
        table.add_column(f"{translation.target} given {translation.given}", justify="right")
    table.add_row(
        "this model", *(_cost(translation, translation.model) for translation in translations)
    )
    table.add_row(
        "  given another label's",
        *(_cost(translation, translation.other_label) for translation in translations),
    )
    table.add_row(
        "mixture, given nothing",
        *(_cost(translation, translation.mixture) for translation in translations),
    )
    table.add_row(
        "per-pixel mean",
        *(_cost(translation, translation.pixel_mean) for translation in translations),
    )
    return table


def _cost(translation: Translation, nats: float) -> str:
    return f"{nats:.2f}  {nats / translation.pixel_mean:.3f}"
