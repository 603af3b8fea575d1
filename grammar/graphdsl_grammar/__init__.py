"""The grammar of `.mib` specs, as data: `mib.lark` and nothing else."""

__all__ = ["grammar_text"]

from importlib.resources import files


def grammar_text() -> str:
    """The Lark grammar of the language, LALR(1) without conflicts.

    >>> grammar_text().splitlines()[0]
    '// The grammar of .mib specs. LALR(1), no conflicts: built with strict=True in the tests.'
    """
    return files(__name__).joinpath("mib.lark").read_text(encoding="utf-8")
