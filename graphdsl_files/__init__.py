"""What the compiler's command line and the training runtime share: files, and text for a terminal.

Neither of the two imports the other, and both write files that a killed process must not spoil.
`whole` replaces a file or a folder in one step, `limited` reads no more than it is allowed to,
`visible` escapes what a terminal would obey. The standard library is all that they need.
"""

__all__ = [
    "TooLarge",
    "present",
    "read_at_most",
    "visible",
    "write_folder",
    "write_whole",
]

from graphdsl_files.limited import TooLarge, read_at_most
from graphdsl_files.visible import visible
from graphdsl_files.whole import present, write_folder, write_whole
