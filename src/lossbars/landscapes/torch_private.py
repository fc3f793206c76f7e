"""All uses of torch beside its documented interface, each with the reason. Tried with torch 2.11 to 2.15."""

import torch
from torch import nn
from torch.optim.adam import adam as adam
from torch.optim.sgd import sgd as sgd

# ``adam`` and ``sgd`` are the functions that torch.optim.Adam and SGD call. The documented classes cost each process as
# much time as torch itself, since they load torch's compiler, and they keep moments in a form of their own.

# The kernels that autograd itself runs for four activations: the gradient of the input, from that of the output and
# from the output, or the input of GELU. Autograd would keep the inputs of all, and change no activation in place.
relu_backward = torch.ops.aten.threshold_backward  # its third argument is 0
tanh_backward = torch.ops.aten.tanh_backward
sigmoid_backward = torch.ops.aten.sigmoid_backward
gelu_backward = torch.ops.aten.gelu_backward

# Documented subclasses in place of ``torch.nn.modules.batchnorm._BatchNorm``, their private base.
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def has_bfloat16() -> bool:
    """Whether the processor itself multiplies bfloat16; oneDNN emulates it on others.

    ``torch.cpu.get_capabilities``, which is documented and says so too, is not in all of the versions that are let in.
    """
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
