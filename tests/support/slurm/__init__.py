"""A real SLURM on this one machine, for tests."""
