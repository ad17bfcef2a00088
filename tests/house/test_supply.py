"""The supply chain on paper: every pin has the hashes of its files, and the bill of materials lists those pins and those hashes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tools import lock


def test_every_pin_has_hashes(root: Path) -> None:
    wanted, hashes = lock.pins(root / "constraints.txt"), lock.locked(root / "requirements.lock")
    assert {key.split("==")[0]: key.split("==")[1] for key in hashes} == wanted, "fix: make lock"
    assert [key for key, found in hashes.items() if not found] == []


def test_the_lock_is_what_its_tool_writes_and_holds_no_address(root: Path) -> None:
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    assert text == lock.lock_text(lock.pins(root / "constraints.txt"), lock.locked(root / "requirements.lock"))
    assert "://" not in text and "+" not in text


def test_the_bill_of_materials_lists_the_pins(root: Path) -> None:
    wanted, hashes = lock.pins(root / "constraints.txt"), lock.locked(root / "requirements.lock")
    told = json.loads((root / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert told["bomFormat"] == "CycloneDX" and told["specVersion"] == "1.6"
    assert {one["name"]: one["version"] for one in told["components"]} == wanted, "fix: python tools/lock.py --bill"
    for one in told["components"]:
        assert {found["content"] for found in one["hashes"]} == hashes[f"{one['name']}=={one['version']}"]
        assert re.fullmatch(r"pkg:pypi/[a-z0-9.-]+@[\w.!+-]+", one["purl"]) and one["bom-ref"] == one["purl"]


def test_a_pin_keeps_the_hashes_that_other_machines_found() -> None:
    text = lock.lock_text({"a": "1"}, {"a==1": {"f" * 64, "0" * 64}})
    assert text.endswith(f"a==1 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'f' * 64}\n")
