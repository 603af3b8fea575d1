"""The same training step in other libraries, each in a throw-away environment of its own.

`run` makes the environments and the page; `pixyz_steps`, `pythae_steps` and `pyro_steps` speak each
library's own language; `contest` is what they share. No code of theirs is kept here, and none of
them has to be installed to work on graphdsl.
"""
