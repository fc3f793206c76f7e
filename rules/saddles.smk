"""Path optimisers on functions whose saddles are known."""

MESSAGES |= {
    "saddle_deaths": "Optimise curves on {wildcards.experiment}/{wildcards.model}",
    "saddle_insertion": "Insert points into a path on {wildcards.experiment}/{wildcards.model}",
}
