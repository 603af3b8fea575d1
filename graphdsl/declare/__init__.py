"""What a spec declares: names, indices, families, masks, and the lines of its networks.

`declarations` fills a `Scope` with what the statements declare, `comprehensions` binds indices,
`references` says which variables a reference names, and `networks` makes a network of its lines.
Each notes every mistake that it meets. The room knows the abstract syntax and the nouns of `ir`.
"""
