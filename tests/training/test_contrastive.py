"""The contrastive loss: its value where it is known, its pull, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

from headstart.training.contrastive import PASSES, passes, supervised_contrastive


def test_two_pairs_that_point_apart_have_the_known_loss() -> None:
    features = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [0.0, 1.0]])
    loss = supervised_contrastive(features, torch.tensor([0, 0, 1, 1]), 0.5)
    near, far = torch.tensor(2.0).exp(), torch.tensor(0.0).exp()
    assert float(loss) == pytest.approx(float(-(near / (near + 2 * far)).log()), abs=1e-6)


def test_a_step_against_the_gradient_draws_classes_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn((12, 8), generator=generator, requires_grad=True)
    labels = torch.arange(12) % 3
    before = supervised_contrastive(features, labels, 0.1)
    before.backward()
    assert features.grad is not None
    assert float(supervised_contrastive(features.detach() - 1e-3 * features.grad, labels, 0.1)) < before.item()


def test_items_without_a_partner_do_not_count_and_none_at_all_is_no_loss() -> None:
    features = torch.randn((3, 4), generator=torch.Generator().manual_seed(1), requires_grad=True)
    alone = supervised_contrastive(features, torch.tensor([0, 1, 2]), 0.1)
    alone.backward()
    assert alone.item() == 0.0 and features.grad is not None and float(features.grad.abs().sum()) == 0.0


def test_many_items_are_passed_over_less_often() -> None:
    assert passes(10) == PASSES > passes(1000) > passes(100_000) == 1.0
