"""The modules of landscapes that a job may choose, and so run."""

# The members that a job may choose, and so run.
LANDSCAPE_MODULES = {
    "function": ("lossbars.functions.benchmarks",),
    "regression": ("lossbars.landscapes.regression", "lossbars.landscapes.perceptron"),
    "perceptron": ("lossbars.landscapes.perceptron", "lossbars.landscapes.toy_data"),
    "custom": (),
}
