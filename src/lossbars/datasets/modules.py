"""The modules of data sets that a job may choose, and so run."""

DATASET_MODULE = {
    "digits": "lossbars.datasets.digits",
    "mnist": "lossbars.datasets.mnist",
    "fmnist": "lossbars.datasets.mnist",
    "cifar10": "lossbars.datasets.cifar",
    "cifar100": "lossbars.datasets.cifar",
    "svhn": "lossbars.datasets.svhn",
    "ptb": "lossbars.datasets.ptb",
}
