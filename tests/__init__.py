"""The tests; `oracles` in them are independent of the compiler."""
