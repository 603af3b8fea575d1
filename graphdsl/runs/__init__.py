"""What one training run needs besides a model: its data, and the files that describe it.

`reading` reads the rows that a source of data holds for the variables of a spec, and `papers`
writes the emitted module, `run.toml` and the record of the data for the run's folder.
"""
