"""The modules of architectures that a job may choose, and so run."""

# The members that a job may choose, and so run.
NETWORK_MODULE = {
    "mlp": "lossbars.networks.mlp",
    "lenet": "lossbars.networks.lenet",
    "cnn": "lossbars.networks.cnn",
    "conv-fc": "lossbars.networks.conv_fc",
    "resnet-195k": "lossbars.networks.resnet_195k",
    "resnet": "lossbars.networks.resnet",
    "wide-resnet": "lossbars.networks.wide_resnet",
    "gpt": "lossbars.networks.gpt",
    "lstm": "lossbars.networks.lstm",
    "custom": "lossbars.networks.custom",
}
