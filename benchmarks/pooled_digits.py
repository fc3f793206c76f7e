"""The first 200 training images and the first 100 test images of three handwritten digits, averaged to 4 × 4 pixels."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor

CLASSES, TRAIN, TEST = 3, 200, 100


def load() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Inputs (m, 1, 4, 4) from −1 to 1 and classes (m,), for training and for the test."""
    digits = load_digits(n_class=CLASSES)
    x = torch.tensor(digits.images).float().view(-1, 1, 4, 2, 4, 2).mean((3, 5)) / 8 - 1
    y = torch.tensor(digits.target).long()
    return x[:TRAIN], y[:TRAIN], x[TRAIN : TRAIN + TEST], y[TRAIN : TRAIN + TEST]
