"""SECURITY.md promises nothing without a test: every test that it names exists, and every promise names one."""

from __future__ import annotations

import re
from pathlib import Path

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_promise_of_security_md_names_a_test_that_exists(root: Path) -> None:
    text = (root / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line for line in text.split("| promise | test |")[1].splitlines() if line.startswith("|") and "---" not in line]
    assert len(rows) >= 15 and all(NAMED.search(row) for row in rows)
    for file, name in NAMED.findall(text):
        assert re.search(rf"^def {name}\(", (root / file).read_text(encoding="utf-8"), re.MULTILINE), f"{file} has no {name}"
