"""What a network takes is measured: closed forms of small networks."""

from __future__ import annotations

import torch
from torch import nn

from headstart.backbone.footprint import saved_bytes, weights_bytes, widest_bytes


def test_weights_are_those_of_parameters_and_buffers() -> None:
    assert weights_bytes(nn.BatchNorm1d(10)) == 4 * (10 + 10 + 10 + 10) + 8


def test_the_widest_place_is_what_one_module_takes_in_and_puts_out() -> None:
    network = nn.Sequential(nn.Linear(8, 100), nn.ReLU(), nn.Linear(100, 2))
    assert widest_bytes(network, torch.zeros(3, 8)) == 4 * (100 + 100)


def test_a_step_saves_what_the_way_back_needs_and_no_weights() -> None:
    network = nn.Sequential(nn.Linear(8, 100), nn.Tanh(), nn.Linear(100, 2))
    network[0].requires_grad_(False)
    assert saved_bytes(network[2:], [torch.zeros(5, 100)]) == 4 * 100
    assert saved_bytes(nn.Sequential(nn.Linear(8, 100), nn.Tanh(), nn.Linear(100, 2)), [torch.zeros(5, 8)]) == 4 * (8 + 100)
