"""The licence gate: permissive passes, everything else is asked about before a byte is fetched, and again before one is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gallery.small import card_for, timm_files, write_card

from headstart import gallery
from headstart.base.errors import LicenceError
from headstart.base.events import Event
from headstart.gallery import ModelCard, licences
from headstart.gallery.describe_text import licence_of


@pytest.fixture
def restricted(tmp_path: Path, empty_home: Path) -> ModelCard:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(timm_files("test_resnet")["model.safetensors"])
    return write_card(card_for(weights, "restricted", licence="CC-BY-NC-4.0"), empty_home)


@pytest.mark.parametrize("licence", ["MIT", "mit", "Apache-2.0", "BSD-2-Clause AND Apache-2.0", "GPL-3.0-only OR MIT", "CC0-1.0"])
def test_permissive_licences_pass(licence: str) -> None:
    assert licences.is_allowed(licence)


@pytest.mark.parametrize("licence", ["CC-BY-NC-4.0", "GPL-3.0-only", "unknown", "other", "MIT AND AGPL-3.0-only", "", "MIT AND", "gemma", "MIT WITH strings"])
def test_all_others_do_not(licence: str) -> None:
    assert not licences.is_allowed(licence)


@given(st.lists(st.sampled_from([*licences.ALLOWED, "CC-BY-NC-4.0", "other"]), min_size=1, max_size=4))
def test_several_licences_pass_together_only_if_each_does(several: list[str]) -> None:
    assert licences.is_allowed(" AND ".join(several)) == all(one in licences.ALLOWED for one in several)


CHOICES = st.sampled_from(["MIT", "cc-by-nc-4.0", "gpl-3.0 OR mit", "MIT AND gpl-3.0 OR other", "gpl-3.0) OR (mit", "(gpl-3.0", "apache-2.0 OR gpl-3.0"])


@given(page=CHOICES, config=CHOICES)
def test_where_page_and_weights_name_different_licences_each_must_pass_by_itself(page: str, config: str) -> None:
    both, turned = licence_of(page, config)[0], licence_of(config, page)[0]
    assert both == turned and licences.is_allowed(both) == (licences.is_allowed(page) and licences.is_allowed(config))


@pytest.mark.parametrize(
    ("licence", "allowed"), [("(MIT OR GPL-3.0-only) AND ISC", True), ("MIT AND (gemma OR (other))", False), ("(MIT", False), ("()", False)]
)
def test_brackets_are_read(licence: str, allowed: bool) -> None:
    assert licences.is_allowed(licence) == allowed


@pytest.mark.parametrize(("written", "spdx"), [("apache-2.0", "Apache-2.0"), ("pddl", "PDDL-1.0"), (None, "unknown"), ("  ", "unknown"), ("gemma", "gemma")])
def test_the_hubs_spellings_become_spdx(written: str | None, spdx: str) -> None:
    assert licences.spelling(written) == spdx


def test_a_restricted_model_is_refused_before_anything_is_fetched(restricted: ModelCard, empty_home: Path) -> None:
    events: list[Event] = []
    with pytest.raises(LicenceError) as caught:
        gallery.subscribe("restricted", sink=events.append)
    assert "fix: headstart gallery subscribe restricted --accept-licence CC-BY-NC-4.0" in str(caught.value)
    assert caught.value.exit_code == 2 and events == [] and not (empty_home / "gallery").exists()


def test_accepting_another_licence_does_not_help(restricted: ModelCard) -> None:
    with pytest.raises(LicenceError):
        gallery.subscribe("restricted", accept=["CC-BY-NC-SA-4.0", "all", ""])


@pytest.mark.parametrize("name", ["CC-BY-NC-4.0", "cc-by-nc-4.0", "restricted"])
def test_an_acceptance_by_name_is_recorded_and_lets_the_weights_load(name: str, restricted: ModelCard) -> None:
    made = gallery.subscribe("restricted", accept=[name])
    assert made.accepted and made.licence == "CC-BY-NC-4.0"
    assert gallery.weights("restricted").is_file()


def test_a_record_without_the_acceptance_does_not_load(restricted: ModelCard) -> None:
    manifest = gallery.subscribe("restricted", accept=["CC-BY-NC-4.0"]).folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"accepted": False}))
    with pytest.raises(LicenceError):
        gallery.weights("restricted")


def test_a_card_whose_licence_became_restricted_asks_again(restricted: ModelCard, tmp_path: Path, empty_home: Path) -> None:
    write_card(card_for(tmp_path / "model.safetensors", "restricted"), empty_home)
    assert not gallery.subscribe("restricted").accepted
    write_card(restricted, empty_home)
    with pytest.raises(LicenceError):
        gallery.weights("restricted")
    with pytest.raises(LicenceError):
        gallery.subscribe("restricted")
    gallery.subscribe("restricted", accept=["CC-BY-NC-4.0"])
    assert gallery.weights("restricted").is_file()
