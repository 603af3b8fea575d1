"""Derivations and losses held against numbers: exact enumeration, and closed forms of Gaussians.

`verify` draws small random distributions that follow G^q, and compares all that the compiler
derived with what the definitions say there: a divergence is always the KL of two distributions
that were both built. `trial_of` gives an emitted module networks for which its loss is known, and
that value; who has torch runs it. Beside `prove`, this is the only room with numpy.
"""

__all__ = ["Affine", "Pass", "Trial", "real_twin", "trial_of", "unlabelled", "verify"]

import numpy as np

from graphdsl.ir.audit import Audit
from graphdsl.verify.enumerated import discrete_trial
from graphdsl.verify.linear import gaussian_trial
from graphdsl.verify.networks import Affine
from graphdsl.verify.obstacles import obstacle
from graphdsl.verify.trial import Pass, Trial
from graphdsl.verify.twin import real_twin, unlabelled
from graphdsl.verify.verify import verify


def trial_of(audit: Audit, seed: int = 0) -> Trial | str:
    """A trial of the module that an audit is of; or why there is none whose loss is known."""
    found = obstacle(audit.model, audit.module)
    if found is not None:
        return found
    rng = np.random.default_rng(seed)
    latents = [one for one in audit.model.families if one.role == "latent"]
    if all(one.kind == "real" for one in latents):
        return gaussian_trial(audit, rng)
    return discrete_trial(audit, rng)
