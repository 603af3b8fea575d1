"""Emitted modules on trial: their losses and gradients beside exact values, with torch.

`verifying` runs a module on the trials that `verify` computes by enumeration or in closed form, and
compares the losses; `gradients` compares the gradients of each player with differences.
"""

__all__ = ["verified"]

from graphdsl.trials.verifying import verified
