"""Networks that neither timm nor torchvision has, or has in another shape than the published weights."""

from headstart.backbone.torchvision_repair import import_torchvision

import_torchvision()  # first of all: the transformers library fails where torchvision is of another build than torch
