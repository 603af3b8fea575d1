"""Which conditionals one attribute of the emitted class serves, and the network that it is.

`grouping` puts conditionals that run together into `slots`, `networks` says what builds each, and
`keys` what slots and their answers would like to be called. `words` and `inherited` list names that
the class has already. The room plans no statement.
"""
