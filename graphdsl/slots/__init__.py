"""Which conditionals one attribute of the emitted class serves, and the network that it is.

`grouping` puts conditionals that run together into slots, `networks` says what builds each, and
`keys` what slots and their answers would like to be called. The room plans no statement.
"""
