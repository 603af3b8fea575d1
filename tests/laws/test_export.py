"""Trained models are exported for any number of rows: what is exported is what runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphdsl_runtime import Objective
from tests.corpus import shipped, some
from tests.emitted import emitted_class
from tests.test_generated import rows_of


class Means(nn.Module):
    """The mean of every posterior that an objective infers."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: one.mean for name, one in self.objective.infer(batch).items()}


def test_inference_is_exported_with_any_number_of_rows() -> None:
    specs = [case for case in shipped() if "infer r" not in case.text and " optional" in case.text]
    others = [case for case in shipped() if case not in specs]
    for case in (*some("export optional", specs, 2), *some("export", others, 3)):
        torch.manual_seed(0)
        objective = emitted_class(case.text)().eval()
        batch = rows_of(objective)
        means = Means(objective)
        try:
            expected = means(batch)
        except NotImplementedError:
            continue  # GANs infer nothing
        if not expected:
            continue
        rows = {name: {0: torch.export.Dim.DYNAMIC} for name in batch}
        exported = torch.export.export(means, (batch,), dynamic_shapes={"batch": rows}).module()
        for count in (len(next(iter(batch.values()))), 2):
            some_rows = {name: value[:count] for name, value in batch.items()}
            found, exact = exported(some_rows), means(some_rows)
            for name, mean in exact.items():
                torch.testing.assert_close(found[name], mean, msg=str(case))
