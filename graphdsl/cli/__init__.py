"""The command line: what prints, reads arguments, picks exit codes and writes files.

Exit codes: 0 fine, 1 the spec or the run is at fault, 2 wrong usage, 70 a bug of ours. Messages go
to stderr, results to stdout. Each file of `commands/` is a command of its own name, found there by
`app`; `console` says and writes, `sources` finds specs, `values` reads `--const` and `--param`,
`compiling` takes a spec as far as a command wants it.
"""

__all__ = ["app", "main"]

from graphdsl.cli.app import app, main
