"""A small GPT: a transformer that reads a text and says at each token which may come next."""

from functools import partial

import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import GPTSpec


class Block(nn.Module):
    """x + attention, then x + feed-forward, each after a LayerNorm."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width, bias=False)  # queries, keys and values of all heads
        self.project = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "b t c"]) -> Float[Tensor, "b t c"]:
        p = self.dropout if self.training else 0.0
        y = self.attend(self.norm1(x)).unflatten(2, (3, self.heads, -1))  # (b, t, 3, h, c/h)
        q, k, v = y.permute(2, 0, 3, 1, 4)  # (b, h, t, c/h) each
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)  # (b, h, t, c/h)
        y = self.project(y.transpose(1, 2).flatten(2))  # (b, t, c)
        x = x + F.dropout(y, p)  # (b, t, c)
        y = F.relu(self.widen(self.norm2(x)))  # (b, t, 4c)
        return x + F.dropout(self.narrow(y), p)  # (b, t, c)


class GPT(nn.Module):
    """``layers`` blocks between embeddings and a linear layer (Barannikov et al. 2022, §7, which names the code).

    That code is the lecture's that section 7 cites: learned positions, ReLU in the feed-forward, no weights shared by
    embedding and output. Of 6 layers, 6 heads, width 384 and context 256 it has 10,788,929 parameters for 65 tokens.
    """

    def __init__(
        self, context: int, outputs: int, layers: int = 6, heads: int = 6, width: int = 384, dropout: float = 0.2
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width: {width} is no multiple of {heads} heads")
        self.tokens, self.places = nn.Embedding(outputs, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, outputs)
        self.apply(_normal)

    def forward(self, x: Integer[Tensor, "b t"]) -> Float[Tensor, "b t outputs"]:
        y = self.tokens(x.long()) + self.places.weight[: x.shape[1]]  # (b, t, c)
        y = self.blocks(y)  # (b, t, c)
        return self.linear(self.norm(y))  # (b, t, outputs)


def _normal(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def maker(spec: GPTSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(GPT, shape.inputs[0], shape.outputs, **spec.settings)
