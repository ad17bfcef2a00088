"""Networks that neither timm nor torchvision has, or has in another shape than the published weights."""
