"""A detector of speech: a spectrum, four convolutions within each 32 ms and a recurrent layer over them; what it says pooled over time.

In: samples (n, s) in -1..1 at 16 kHz, at least 32 ms; what is left over behind the last whole 32 ms is not heard. Out: features (n, 256), mean and maximum
of 128 states, as the detector's own last layer reads them.
Source: Silero Team, Silero VAD, 2024 (version 6.2); the weights of the package, whose published graph is rebuilt here from its operations.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

CHUNK, CONTEXT, BEHIND = 512, 64, 64  # samples that are new, that are heard again from the chunk before, and that are mirrored at the end
POINTS, HOP, BINS = 256, 128, 129  # of the spectrum
WIDTH = 128
CHANNELS = (BINS, 128, 64, 64, WIDTH)
STRIDES = (1, 2, 2, 1)
SMALLEST_POWER = 1e-20  # the root has no gradient at 0
GATES = (0, 2, 3, 1)  # input, output, forget, cell in the file; torch has input, forget, cell, output


class Chunks(nn.Module):
    """Samples (n, s) to chunks (n, 1, 640, t): 64 samples before, 512 new ones, the last 64 mirrored."""

    def forward(self, samples: Tensor) -> Tensor:
        """Time within a chunk runs down, chunks lie side by side."""
        chunks = nn.functional.pad(samples, (CONTEXT, 0)).unfold(1, CONTEXT + CHUNK, CHUNK)
        mirrored = chunks[..., -BEHIND - 1 : -1].flip(-1)
        return torch.cat([chunks, mirrored], dim=-1).transpose(1, 2)[:, None]


class Magnitude(nn.Module):
    """Chunks (n, 1, 640, t) to magnitudes (n, 129, 4, t); the waves are the published ones and are not trained."""

    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        angle = 2 * torch.pi * torch.outer(torch.arange(BINS), torch.arange(POINTS)) / POINTS
        window = torch.hann_window(POINTS)
        self.register_buffer("weight", torch.cat([angle.cos() * window, -angle.sin() * window])[:, None, :, None].contiguous())

    def forward(self, chunks: Tensor) -> Tensor:
        """The square root of the power."""
        real, imaginary = nn.functional.conv2d(chunks, self.weight, stride=(HOP, 1)).chunk(2, dim=1)
        return (real * real + imaginary * imaginary).clamp_min(SMALLEST_POWER).sqrt()


class Layer(nn.Module):
    """Three moments of one chunk: a chunk never sees another one here."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(CHANNELS[number], CHANNELS[number + 1], (3, 1), (STRIDES[number], 1), padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, l, t) to (n, d, l or l / 2, t)."""
        out: Tensor = nn.functional.relu(self.convolution(x))
        return out


class Recurrent(nn.Module):
    """Chunk after chunk: (n, 128, 1, t) to the states (n, t, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Every state."""
        states: Tensor = self.lstm(x[:, :, 0].transpose(1, 2))[0]
        return states


class OverChunks(nn.Module):
    """(n, t, 128) to (n, 256): what the detector's last layer would read, its mean and its maximum."""

    def forward(self, states: Tensor) -> Tensor:
        """Only what is above 0 is read."""
        heard = nn.functional.relu(states)
        return torch.cat([heard.mean(dim=1), heard.amax(dim=1)], dim=1)


def silero_vad() -> nn.Sequential:
    """The network, from samples to pooled features, with fresh weights."""
    layers = OrderedDict((f"layer{number + 1}", Layer(number)) for number in range(len(STRIDES)))
    return nn.Sequential(OrderedDict(chunks=Chunks(), spectrum=Magnitude(), **layers, recurrent=Recurrent(), pool=OverChunks()))


def translate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published names and shapes to ours: convolutions along one axis become convolutions along the first of two, gates another order."""
    ours = {"spectrum.weight": tensors["stft.forward_basis_buffer"][..., None]}
    for number in range(1, len(STRIDES) + 1):
        ours[f"layer{number}.convolution.weight"] = tensors[f"encoder.{number - 1}.weight"][..., None]
        ours[f"layer{number}.convolution.bias"] = tensors[f"encoder.{number - 1}.bias"]
    inputs, states, biases = (value for name, value in tensors.items() if "LSTM" in name)  # in the order of the operator: W, R, B
    gates = {"weight_ih_l0": inputs[0], "weight_hh_l0": states[0], "bias_ih_l0": biases[0, : 4 * WIDTH], "bias_hh_l0": biases[0, 4 * WIDTH :]}
    return ours | {f"recurrent.lstm.{name}": torch.cat([value.chunk(4)[gate] for gate in GATES]) for name, value in gates.items()}
