"""Derivations and losses held against numbers: exact enumeration, and closed forms of Gaussians.

`verify` draws small random distributions that follow G^q, and compares all that the compiler
derived with what the definitions say there: a divergence is always the KL of two distributions
that were both built. `trials_of` gives an emitted module networks for which its loss is known, and
that value; who has torch runs it. Beside `prove`, this is the only room with numpy.
"""

__all__ = [
    "Affine",
    "Pass",
    "Row",
    "SignedSum",
    "Synthetic",
    "Trial",
    "real_twin",
    "rows_of",
    "stated_loss",
    "summands",
    "synthetic_rows",
    "trials_of",
    "verify",
]

from dataclasses import replace
from itertools import product
from random import Random

import numpy as np

from graphdsl.ir.audit import Audit
from graphdsl.ir.model import Model
from graphdsl.verify.enumerated import discrete_trial
from graphdsl.verify.linear import gaussian_trial
from graphdsl.verify.networks import Affine
from graphdsl.verify.obstacles import obstacle
from graphdsl.verify.rows import Row, rows_of
from graphdsl.verify.stated import stated_loss, summands
from graphdsl.verify.structures import random_logits, structures_of
from graphdsl.verify.synthetic import Synthetic, synthetic_rows
from graphdsl.verify.trial import Pass, SignedSum, Trial
from graphdsl.verify.twin import real_twin
from graphdsl.verify.verify import verify


def trials_of(audit: Audit, seed: int = 0, most: int | None = None) -> tuple[Trial, ...] | str:
    """Trials of the module that an audit is of, or why there is none whose loss is known.

    There is one for each pattern of what rows may lack in each structure of learned edges, or in a
    sample of very many structures; `most` of all these, drawn at random, where it is given.
    """
    audit = replace(audit, model=_of_all_players(audit.model))
    reason = obstacle(audit.model, audit.module)
    if reason is not None:
        return reason
    model, trials = audit.model, list[Trial]()
    real = all(family.kind == "real" for family in model.families if family.role == "latent")
    structures, rows = structures_of(model, seed), rows_of(model)
    every = [*product(rows, structures.several)]
    tried = every if most is None else Random(seed).sample(every, min(most, len(every)))
    for row, structure in tried:
        rng = np.random.default_rng(seed)
        # Random rows near what the cubature says; of one pattern that is enough.
        sampled = row is rows[0] and structure in structures.few
        trial = (
            gaussian_trial(audit, rng, row, structure, sampled)
            if real
            else discrete_trial(audit, rng, row, structure)
        )
        if isinstance(trial, str):
            return trial
        players = tuple(player.name for player in audit.module.players)
        named = replace(trial, of=row.said, players=players, structure=structure)
        trials.append(replace(named, structures=structures.of, logits=random_logits(model)))
    return tuple(trials)


def _of_all_players(model: Model) -> Model:
    """The spec with the sum of all players' objectives, which their losses come to together."""
    if not model.players:
        return model
    together = tuple(term for player in model.players for term in player.objective)
    return replace(model, players=(), objective=together)
