"""The thirteen convolutions of VGG16, pooled to one feature a channel.

In: normalised pictures (n, 3, 224, 224). Out: features (n, 512).
Source: Simonyan and Zisserman, Very Deep Convolutional Networks, 2014; weights of Xie and Tu, Holistically-Nested Edge Detection, 2015.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from headstart.backbone.torchvision_repair import import_torchvision


def vgg16_edges() -> nn.Sequential:
    """The network with fresh weights; its convolutions are torchvision's, started as torchvision starts them (its classifier would cost 3 s more)."""
    families = import_torchvision().models.vgg
    features = families.make_layers(families.cfgs["D"], batch_norm=False)
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return nn.Sequential(OrderedDict(features=features, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()))
