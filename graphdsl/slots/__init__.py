"""Which conditionals one attribute of the emitted class serves, and the network that it is.

`grouping` puts conditionals that run together into `slots`, `networks` says what builds each, and
`keys` what slots and their answers would like to be called. `words`, `inherited` and
`reserved` list names that the class has already, or that a spec may not give. The room plans no
statement.
"""
