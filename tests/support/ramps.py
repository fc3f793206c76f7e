"""Recipes of descents and curves whose learning rate rises and falls."""

from lossbars.recipes import Curves, Minima


def _schedule(lr: float, steps: int) -> dict:
    schedule = {"kind": "ramp", "m1": steps / 2, "m2": float(steps), "lr_max": lr, "lr_min": lr / 1000}
    return {"optimiser": "adam", "schedule": schedule, "epochs": steps}


def ramp(lr: float, steps: int) -> Minima:
    return Minima(**_schedule(lr, steps))


def curves(lr: float, steps: int, bends: int, points: int, tilt: float) -> Curves:
    family = {"kind": "chain", "bends": bends}
    grid = {"points": 101, "refinements": 6}
    return Curves(**_schedule(lr, steps), family=family, points=points, tilt=tilt, grid=grid)
