"""What can be wrong with the estimator or the model that a term is to have."""

from __future__ import annotations

__all__ = ["EstimatorMisfit", "ModelOfNoEntropy", "UnknownEstimator"]

from graphdsl.diagnostics import Diagnostic


class UnknownEstimator(Diagnostic):
    """An estimator that is not known."""

    code = "MIB220"
    title = "Unknown estimator"
    said = "there is no estimator `{name}`"
    hint = "{guess}"
    name: str
    guess: str


class EstimatorMisfit(Diagnostic):
    """An estimator behind a term that it does not estimate."""

    code = "MIB285"
    title = "Estimator of other terms"
    said = "`{estimator}` is for {targets}, and this is another term"
    hint = "write {usage}"
    estimator: str
    targets: str
    usage: str


class ModelOfNoEntropy(Diagnostic):
    """A distribution behind a term that is no entropy."""

    code = "MIB288"
    title = "Model of no entropy"
    said = "a model of `{name}` bounds an entropy, and this is another term"
    hint = "write an entropy that it models, as in `estimate H(z | x[1]) with r(1)`"
    name: str
