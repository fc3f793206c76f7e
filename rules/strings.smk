"""Strings between pairs of networks at falling thresholds."""

MESSAGES |= {
    "strings": "Connect pairs {wildcards.part} of {wildcards.experiment}/{wildcards.model}",
}
