"""What is trained for which spec, what it is compared with, and on which data.

A spec that is not named here is judged by its bound on digits that it has not seen.
"""

from __future__ import annotations

__all__ = ["EXPERIMENTS", "Experiment", "experiments_of"]

from collections.abc import Callable, Mapping

from study import attributes, common, environments, factors, many_views, one_view, separation
from study.rows import Row, Setting

Experiment = Callable[[str, Setting], Row]


def experiments_of(spec: str) -> Mapping[str, Experiment]:
    """The experiments of a spec, by their data."""
    return EXPERIMENTS.get(spec, {"digits": one_view.bound})


def _each(specs: str, **by_data: Experiment) -> Mapping[str, Mapping[str, Experiment]]:
    return {spec: by_data for spec in specs.split()}


EXPERIMENTS: Mapping[str, Mapping[str, Experiment]] = {
    **_each(
        "beta_tcvae beta_vae beta_vae_factored factor_vae hfvae",
        digits=one_view.disentangled,
        sprites=factors.gap,
    ),
    **_each("aae ali gan infovae wae_mmd", digits=one_view.sampled),
    **_each("infogan", digits=one_view.told_codes),
    **_each("anchor_vae", digits=one_view.anchored),
    **_each("corex", digits=one_view.explained),
    **_each("cvae", digits=one_view.conditioned),
    **_each("bivcca jmvae_cross vcca", halves=many_views.halves),
    **_each("vcca_private", halves=many_views.halves, classes=common.one_class),
    **_each("jmvae mvae", halves=many_views.halves, pairs=many_views.pairs),
    **_each(
        "structured_mm wyner",
        halves=many_views.halves,
        pairs=many_views.pairs,
        classes=common.one_class,
    ),
    **_each("telbo", pairs=many_views.pairs_of_telbo),
    **_each("fair_direct fair_mine fair_mmd fair_tc", digits=attributes.fair),
    **_each("vfae", digits=attributes.of_nuisance),
    **_each("lmifr", digits=attributes.limited),
    **_each("ffvae", digits=attributes.flexible),
    **_each("diva", digits=attributes.diva),
    **_each("m2", digits=attributes.few_labels),
    **_each("mib", digits=attributes.bottleneck),
    **_each("structural_mib", digits=attributes.structural),
    **_each(
        "irm ood ood_invariant",
        coloured=environments.invariant,
        apart=environments.invariant_apart,
    ),
    **_each("ivae", sources=separation.separated),
}
