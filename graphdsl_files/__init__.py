"""What the compiler's command line and the training runtime share: files, and text for a terminal.

Neither of the two imports the other, and both write files that a killed process must not spoil.
`settings` says how a model is trained, in the record that options and `run.toml` are made of;
`whole` replaces a file or a folder in one step, `limited` reads no more than it is allowed to,
`locks` keeps other processes out, `visible` escapes what a terminal would obey and shortens the
names of files in messages. The standard library is all that they need.
"""

__all__ = [
    "Setting",
    "TooLarge",
    "TrainingSettings",
    "held",
    "present",
    "read_at_most",
    "refusal",
    "setting",
    "settings_of",
    "shown",
    "visible",
    "write_folder",
    "write_whole",
    "written",
]

from graphdsl_files.limited import TooLarge, read_at_most
from graphdsl_files.locks import held
from graphdsl_files.records import Setting, setting, settings_of, written
from graphdsl_files.settings import TrainingSettings
from graphdsl_files.visible import refusal, shown, visible
from graphdsl_files.whole import present, write_folder, write_whole
