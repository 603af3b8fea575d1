"""A spec in its canonical layout: text to text, and never another meaning.

`format_spec` reads tokens with the comments around them (`pieces`), gives each its space
(`spacing`), cuts them into statements (`statements`) and those into rows (`declarations`,
`networks` with their `lines`, `terms`; `flow` where nothing stands in columns), sets the rows below
each other (`columns`), and checks that the text means what it did (`meaning`).
"""

__all__ = ["format_spec", "with_structure"]

from graphdsl.fmt.fixed import with_structure
from graphdsl.fmt.format import format_spec
