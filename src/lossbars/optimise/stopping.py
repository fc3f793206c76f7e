"""Being asked to stop."""


class Stopped(RuntimeError):  # noqa: N818 (it says what happened)
    """The run was asked to stop; what it had done of a training is saved."""
