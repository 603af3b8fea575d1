"""Trained models are exported for any number of rows: what is exported is what runs."""

from __future__ import annotations

import torch

from graphdsl_runtime.in_use import read_by_infer
from graphdsl_runtime.in_use.exporting import _read, exported_decode, exported_infer
from tests.corpus import shipped, some
from tests.emitted import emitted_class
from tests.random_rows import rows_of


def test_inference_is_exported_with_any_number_of_rows() -> None:
    specs = [case for case in shipped() if "infer r" not in case.text and " optional" in case.text]
    others = [case for case in shipped() if case not in specs]
    for case in (*some("export optional", specs, 1), *some("export", others, 2)):
        torch.manual_seed(0)
        objective = emitted_class(case.text)().eval()
        read = read_by_infer(objective)
        if not read:
            continue  # GANs infer nothing
        batch = {name: one for name, one in rows_of(objective).items() if name in read}
        exported = exported_infer(objective).module()
        for count in (len(next(iter(batch.values()))), 2):
            some_rows = {name: value[:count] for name, value in batch.items()}
            found, exact = exported(some_rows), objective.infer(some_rows)
            assert found.keys() == exact.keys()
            for name, posterior in exact.items():
                torch.testing.assert_close(found[name], posterior.mean, msg=str(case))


def test_generation_is_exported_with_any_number_of_rows() -> None:
    for case in some("export decode", list(shipped()), 2):
        torch.manual_seed(0)
        objective = emitted_class(case.text)().eval()
        exported = exported_decode(objective).module()
        for count in (5, 2):
            like = torch.empty(count)
            given = {name: value[:count] for name, value in rows_of(objective).items()}
            values = dict(objective.ancestral_sample(objective.draw_noise(like), given))
            exact = objective.decode(values)
            found = exported(_read(objective, values))
            assert found.keys() == exact.keys()
            for name, likelihood in exact.items():
                torch.testing.assert_close(found[name], likelihood.mean, msg=str(case))
