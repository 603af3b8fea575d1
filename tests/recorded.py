"""Names that the compiler records from the runtime, which it never imports."""

from __future__ import annotations

__all__ = ["inherited_names", "inherited_text"]

import textwrap
from collections.abc import Iterable

from graphdsl_runtime import Objective

_HEAD = '''"""Names that an emitted class inherits: recorded from the runtime by `make golden`.

With other versions of torch there may be others: a name stays here once it was there.
"""

from __future__ import annotations

__all__ = ["OF_THE_CLASS"]

OF_THE_CLASS = frozenset(
    """
'''


def inherited_names() -> frozenset[str]:
    """What the class of an objective has, by the version of torch that is installed."""
    return frozenset(name for name in dir(Objective()) if not name.startswith("_"))


def inherited_text(names: Iterable[str]) -> str:
    """The file `graphdsl/slots/inherited.py`."""
    lines = textwrap.wrap(" ".join(sorted(names, key=str.lower)), 96)
    listed = "".join(f"    {line}\n" for line in lines)
    return f'{_HEAD}{listed}    """.split()\n)\n'
