"""Step times, each a ratio measured in one process with interleaved repetitions.

`handwritten` is the yardstick: the tightest eager training step for a VAE and a beta-TCVAE that we
could write. `step_time` holds emitted modules against it, `rivals` other libraries; `measure` is
the stopwatch that they share.
"""
