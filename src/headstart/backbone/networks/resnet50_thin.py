"""ResNet-50 of half width in Caffe's style, with normalisation folded into the convolutions.

In: normalised pictures (n, 3, 224, 224). Out: features (n, 1024).
Source: He et al., Deep Residual Learning, 2015, at half the channels; Yahoo's open_nsfw, 2016 (the stride sits in the first convolution of a block).
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from headstart.backbone.networks.fresh import start

STEM_CHANNELS = 64
EXPANSION = 4
STAGES = ((3, 32), (4, 64), (6, 128), (3, 256))  # blocks, inner channels


class Bottleneck(nn.Module):
    """Shortcut plus three convolutions; the shortcut is a convolution where the shape changes.

    The children stand in the order of the published file, whose tensors are matched by order.
    """

    def __init__(self, channels: int, inner: int, stride: int, *, projects: bool) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(channels, inner * EXPANSION, 1, stride) if projects else nn.Identity()
        self.reduce = nn.Conv2d(channels, inner, 1, stride)
        self.reduce_relu = nn.ReLU()
        self.spatial = nn.Conv2d(inner, inner, 3, padding=1)
        self.spatial_relu = nn.ReLU()
        self.expand = nn.Conv2d(inner, inner * EXPANSION, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Pictures' maps (n, c, h, w) to maps (n, 4 × inner, h / stride, w / stride)."""
        inner = self.spatial_relu(self.spatial(self.reduce_relu(self.reduce(x))))
        out: Tensor = self.relu(self.expand(inner) + self.shortcut(x))
        return out


def _stage(channels: int, blocks: int, inner: int, stride: int) -> nn.Sequential:
    first = Bottleneck(channels, inner, stride, projects=True)
    return nn.Sequential(first, *(Bottleneck(inner * EXPANSION, inner, 1, projects=False) for _ in range(blocks - 1)))


def resnet50_thin() -> nn.Sequential:
    """The network, from pixels to pooled features, with fresh weights."""
    parts: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Conv2d(3, STEM_CHANNELS, 7, 2, padding=3), stem_relu=nn.ReLU())
    parts["stem_padding"] = nn.ZeroPad2d((0, 1, 0, 1))  # below and right only, as the published graph has it; after ReLU zeros never win
    parts["stem_pool"] = nn.MaxPool2d(3, 2)
    channels = STEM_CHANNELS
    for number, (blocks, inner) in enumerate(STAGES):
        parts[f"stage{number + 1}"] = _stage(channels, blocks, inner, stride=1 if number == 0 else 2)
        channels = inner * EXPANSION
    parts["pool"], parts["flatten"] = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    network = nn.Sequential(parts)
    network.apply(start)
    return network
