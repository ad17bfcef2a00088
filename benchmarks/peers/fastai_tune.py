"""fastai as its first chapter has it: ``vision_learner`` on the same backbone and weights, resize to 224, its default augmentation, ``fine_tune(5)``.

One frozen epoch, then five of the whole network with its default rates; a fifth of the train part is held out for validation, as its loaders do.
"""

from __future__ import annotations

from benchmarks.peers.common import Job, run
from benchmarks.peers.torch_common import begin, torchvision_imported

torchvision_imported()

from fastai.vision.all import (  # noqa: E402 - after the repair
    CategoryBlock,
    DataBlock,
    ImageBlock,
    Normalize,
    RandomSplitter,
    Resize,
    accuracy,
    aug_transforms,
    parent_label,
    vision_learner,
)
from safetensors.torch import load_file  # noqa: E402 - after the repair

BATCH = 32
VALIDATION_SHARE = 0.2


def work(job: Job) -> list[int]:
    begin(job)
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=job.classes)),
        splitter=RandomSplitter(VALIDATION_SHARE, seed=job.seed),
        get_y=parent_label,
        item_tfms=Resize(job.side),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(job.options["mean"], job.options["std"])],
    )
    loaders = block.dataloaders(job.files("train"), bs=BATCH, num_workers=0)
    learner = vision_learner(loaders, job.options["architecture"], pretrained=False, normalize=False, metrics=accuracy)
    found = learner.model[0].model.load_state_dict(load_file(job.options["weights"]), strict=False)
    if found.unexpected_keys or any(not name.startswith("classifier") for name in found.missing_keys):
        raise SystemExit(f"the weights do not fit: {found}")
    with learner.no_bar(), learner.no_logging():
        with job.phase("train"):
            learner.fine_tune(job.epochs)
        with job.phase("predict"):
            probabilities, _ = learner.get_preds(dl=loaders.test_dl(job.files("test")))
    return probabilities.argmax(dim=1).tolist()


if __name__ == "__main__":
    run(work, ("fastai", "torch", "timm", "numpy"))
