"""One short module per rule, run as ``python -m lossbars.steps.NAME``: paths in, paths out."""
