"""What a person asks of a workflow, beside running it: why, recover, doctor. `lossbars --help` lists them."""
