"""Writes requirements.lock, the pins of constraints.txt with the SHA-256 of their files, and sbom.cdx.json, a CycloneDX bill of materials of them.

In: constraints.txt, what pip would install here (asked with a dry run), and the old lock: hashes of a version that other machines added stay, so one pin
may have several (torch is one file on a machine without a GPU and another elsewhere). No address is written. ``--bill`` writes the bill alone.
Source: CycloneDX 1.6, "JSON reference"; purl-spec, "pypi".
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS, LOCK, BILL = ROOT / "constraints.txt", ROOT / "requirements.lock", ROOT / "sbom.cdx.json"
HEADING = """# The pins of constraints.txt with the SHA-256 of every file that may stand for them: make verified installs these bytes and no others.
# Written by make lock, on each kind of machine that is to install so; a pin keeps the hashes of its version that other machines found.
"""
Pins = dict[str, str]
Hashes = dict[str, set[str]]


def normal(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path = CONSTRAINTS) -> Pins:
    """Name and version of every pin."""
    lines = (line.split("#")[0].split(";")[0].split(" ")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def locked(path: Path = LOCK) -> Hashes:
    """The hashes of each ``name==version`` of a lock."""
    found: Hashes = {}
    text = path.read_text(encoding="utf-8").replace("\\\n", " ") if path.is_file() else ""
    for line in text.splitlines():
        if "==" in line and not line.startswith("#"):
            found[line.split()[0]] = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def asked(wanted: Pins) -> Hashes:
    """What pip would take for each pin on this machine."""
    with tempfile.TemporaryDirectory() as scratch:
        listed, told = Path(scratch) / "pins.txt", Path(scratch) / "told.json"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in wanted.items()), encoding="utf-8")
        words = ["install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", str(told), "-r", str(listed)]
        subprocess.run([sys.executable, "-m", "pip", *words], check=True)
        plain = json.loads(told.read_text(encoding="utf-8"))
    found: Hashes = {}
    for one in plain["install"]:
        name = normal(one["metadata"]["name"])
        found[f"{name}=={wanted[name]}"] = {one["download_info"]["archive_info"]["hashes"]["sha256"]}
    return found


def lock_text(wanted: Pins, hashes: Mapping[str, set[str]]) -> str:
    """The lock as text."""
    rows = []
    for name, version in sorted(wanted.items()):
        known = sorted(hashes.get(f"{name}=={version}", ()))
        rows.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{one}" for one in known)]))
    return HEADING + "\n".join(rows) + "\n"


def licence_of(name: str) -> str:
    """What an installed distribution says of its licence; empty where it is not installed or says nothing."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    classifiers = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or [] if line.startswith("License :: OSI")]
    said = told.get("License-Expression") or "; ".join(classifiers) or (told.get("License") or "").split("\n")[0]
    return said[:120]


def bill(wanted: Pins, hashes: Mapping[str, set[str]], known: Mapping[str, str]) -> dict[str, Any]:
    """The bill of materials; the same pins give the same bytes."""
    parts = []
    for name, version in sorted(wanted.items()):
        part: dict[str, Any] = {"type": "library", "bom-ref": f"pkg:pypi/{name}@{version}", "name": name, "version": version}
        part["purl"] = part["bom-ref"]
        licence = licence_of(name) or known.get(name, "")
        if licence:
            part["licenses"] = [{"license": {"name": licence}}]
        part["hashes"] = [{"alg": "SHA-256", "content": one} for one in sorted(hashes.get(f"{name}=={version}", ()))]
        parts.append(part)
    subject = {"type": "application", "bom-ref": "headstart", "name": "headstart", "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": subject}, "components": parts}


def billed(path: Path = BILL) -> dict[str, str]:
    """The licences that an earlier bill knows, for distributions that are not installed here."""
    plain = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"components": []}
    return {one["name"]: one["licenses"][0]["license"]["name"] for one in plain["components"] if one.get("licenses")}


def main(arguments: list[str]) -> int:
    """Write both files."""
    wanted, hashes = pins(), locked()
    if "--bill" not in arguments:
        for key, found in asked(wanted).items():
            hashes[key] = hashes.get(key, set()) | found
        LOCK.write_text(lock_text(wanted, hashes), encoding="utf-8")
    BILL.write_text(json.dumps(bill(wanted, hashes, billed()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
