"""The nouns that stages hand to each other: frozen, canonical, and made of Python alone.

`model` is what a spec says, `graph` what is known of a DAG, `information` what a derivation is made
of, `evidence` what verdicts rest on, `loss` what the emitted module computes, term by term, and
`statements` line by line, `audit` all of it together; `weight` and `notation` are the coefficients,
and how everything is written.
"""

__all__: list[str] = []
