"""What is known of each word of the language, said once: one frozen record a word.

`laws` are the distributions of data and of priors, `priors` the words of a root that is learned,
`methods` the estimators and what may follow `with`, and `architectures` the networks after `via`.
"""

__all__: list[str] = []
