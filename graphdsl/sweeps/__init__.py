"""Many runs of one spec: a grid of settings, a rule that chooses one, and who carries them out.

`grid` and `rule` read values and rules as text, `planning` makes the `plan` of them, which
`sweep.toml` records; `folder` knows which file is where. `jobs` says what one process does;
`processes` and `cluster` start such processes, here or by Ray. `results` reads what the runs came
to, `choice` applies the rule, `report` and `plot` show it. The command line carries out the plan in
order, and is what each process runs.
"""
