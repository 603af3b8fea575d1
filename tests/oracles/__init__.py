"""Independent judges of the compiler: small random distributions whose information is exact.

`discrete` enumerates tables, `gaussian` is its linear-Gaussian twin under the same function names,
`networks` draws random inference networks and regularizer networks, `graphs` is the little that
both need of raw adjacency lists. Numpy only, and nothing of graphdsl: the judge shares no line of
code with the judged. Everything is in nats.
"""

__all__ = ["discrete", "gaussian", "graphs", "networks"]

from tests.oracles import discrete, gaussian, graphs, networks
