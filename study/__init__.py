"""The experiments of the paper and its neighbours, run by hand: `make study`.

`planted` is of structure learning. `make study SPEC=jmvae` trains a shipped spec on real data,
against a control that ignores its structure, and writes its row of `docs/results/models.md`: `data`
has the digits and the sources, `training` the loop, `judges` the figures, `experiments` what is
compared for which spec, and `table` the page.
"""
