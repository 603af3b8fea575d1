"""The Python interface: what `import graphdsl` gives, and nothing that exits.

`sources` finds a spec by path, text or name, `numbers` reads exact numbers, `compiled` compiles,
`emitted` makes the class in memory, `loading` makes an objective of a saved model or a run,
`likelihood` bounds -log p of a trained one, `evaluation` measures it, `latent_model` is an
estimator of scikit-learn. `notebook` alone prints: the mistakes of a cell.
Torch and the runtime are imported inside the functions that need them.
"""

__all__ = ["AuditView", "Compiled", "check", "compile", "load"]

from graphdsl.api.compiled import AuditView, Compiled, check, compile
from graphdsl.api.loading import load
