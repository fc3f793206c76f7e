"""Learning-rate schedules: the rate at a moment of a training."""

from math import floor

from lossbars.recipes import Constant, Cyclical, Garipov, Ramp, Steps


def learning_rate(schedule: Constant | Cyclical | Ramp | Garipov | Steps, epoch: float, epochs: int) -> float:
    """Rate at ``epoch`` (whole epochs done, plus the share of batches done in this one) of ``epochs``."""
    match schedule:
        case Constant(lr=lr):
            return lr
        case Cyclical():
            return _cyclical(schedule, epoch / epochs)
        case Ramp():
            return _ramp(schedule, epoch)
        case Garipov(lr=lr):
            return lr * _garipov(floor(epoch) / epochs)
        case Steps(lr=lr, at=at, factor=factor):
            return lr * factor ** sum(epoch >= one for one in at)


def _cyclical(schedule: Cyclical, share: float) -> float:
    """Smith 2017: up and down linearly, ``cycles`` times."""
    position = share * schedule.cycles
    cycle = min(floor(position), schedule.cycles - 1)
    height = 1 - abs(2 * (position - cycle) - 1)
    return schedule.lr_min + (schedule.lr_max - schedule.lr_min) * schedule.decay**cycle * height


def _ramp(schedule: Ramp, epoch: float) -> float:
    """S(m1, m2, lr_max, lr_min): Barannikov et al. 2022, appendix F."""
    if epoch <= schedule.m1:
        return schedule.lr_max
    if epoch >= schedule.m2:
        return schedule.lr_min
    share = (epoch - schedule.m1) / (schedule.m2 - schedule.m1)
    return (1 - share) * schedule.lr_max + share * schedule.lr_min


def _garipov(share: float) -> float:
    """1 to half of the epochs, linear to 0.01 at 0.9, then flat; once an epoch."""
    if share <= 0.5:
        return 1.0
    if share >= 0.9:
        return 0.01
    return 1.0 - (share - 0.5) / 0.4 * 0.99
