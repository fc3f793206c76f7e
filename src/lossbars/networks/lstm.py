"""An LSTM that reads a text and says at each token which may come next."""

from functools import partial

import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor, nn

from lossbars.networks.make import DataShape, Maker
from lossbars.networks.specs import LSTMSpec

INITIAL = 0.1  # largest initial value


class LSTM(nn.Module):
    """``layers`` LSTMs between an embedding and a linear layer (Freeman & Bruna 2017, §4.2).

    The network of Zaremba, Sutskever and Vinyals 2014, whose small one it is with 2 layers of 200 units. Parameters
    begin as in the authors' code: uniform between -0.1 and 0.1, but for the LSTMs' biases, which are zero. Dropout is
    on what goes into each LSTM and out of the last, never from step to step. Each window begins with a state of zeros.
    With v tokens and width w there are 2 v w + v + layers (8 w² + 8 w) parameters: 4,653,200 for 10,000 words.
    """

    def __init__(self, outputs: int, layers: int = 2, width: int = 200, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.tokens = nn.Embedding(outputs, width)
        # one each, since cuDNN draws the dropout between layers of one module from a generator that no seed sets
        self.recurrent = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(layers))
        self.linear = nn.Linear(width, outputs)
        for name, parameter in self.named_parameters():
            largest = 0.0 if name.startswith("recurrent") and "bias" in name else INITIAL
            nn.init.uniform_(parameter, -largest, largest)

    def forward(self, x: Integer[Tensor, "b t"]) -> Float[Tensor, "b t outputs"]:
        p = self.dropout if self.training else 0.0
        y = F.dropout(self.tokens(x.long()), p)  # (b, t, w)
        for layer in self.recurrent:
            y = F.dropout(layer(y)[0], p)  # (b, t, w)
        return self.linear(y)  # (b, t, outputs)


def maker(spec: LSTMSpec, shape: DataShape) -> Maker:
    """A function that makes the network of a configuration."""
    return partial(LSTM, shape.outputs, **spec.settings)
