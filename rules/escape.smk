"""Gradient descent that escapes a minimum, or does not."""

MESSAGES |= {
    "escape_runs": "Run gradient descent on {wildcards.experiment}/{wildcards.model}",
    "escape_trajectories": "Follow gradient descent on {wildcards.experiment}/{wildcards.model}",
}
