"""The command line: what prints, reads arguments, picks exit codes and writes files.

Exit codes: 0 fine, 1 the spec, the run or the machine refuses, 2 wrong usage, 70 a bug of ours, 130
after Ctrl-C, 143 after SIGTERM. Messages go to stderr, results to stdout. Each file of `commands/`
is a command of its own name, found there by `app`; `ending` turns whatever was raised into an exit
code, `console` says and writes, `sources` finds specs, `values` reads `--const` and `--param`,
`compiling` takes a spec as far as a command wants it.
"""

__all__ = ["app", "main", "program"]

from graphdsl.cli.app import app, main, program
