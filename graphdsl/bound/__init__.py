"""Collected entropies to bounded terms: which bound each takes, from which side, with which gap.

The cross-entropy of a model at hand bounds +H(v|S); the encoder's own entropy bounds -H(v|S). This
room decides once: the model, the sign, the gap, the rows that pay, and what is refused. It knows no
Python name. `lower` makes a program of its pieces.
"""

__all__ = ["readings", "shared_evenly"]

from graphdsl.bound.model_choice import shared_evenly
from graphdsl.bound.pools import readings
