"""One file, one command: `fmt.py` with a function `command` is `graphdsl fmt`.

The docstring of `command` is its help, and its arguments are those of the command line. Each
imports what it needs when it runs, so that `--help` stays quick.
"""

__all__: list[str] = []
