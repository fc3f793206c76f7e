"""Faults put into runs on a real SLURM, and what the next plain run makes of them."""
