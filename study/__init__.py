"""The experiments of the paper and its neighbours, run by hand: `make study`."""
