"""What holds of every spec: one law a file, over the shipped, documented and generated specs.

`make test` tries a share of the generated specs, another one for each commit; `make fuzz` tries
10,000 for each law.
"""
