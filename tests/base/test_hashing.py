"""Hashes name content: other parts, other names; the same bytes, the same name on any machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from headstart.base.hashing import CHUNK_BYTES, digest, digest_content, sha256_file

PARTS = st.lists(st.binary(max_size=4), max_size=4)


@given(PARTS, PARTS)
def test_other_parts_have_other_names(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_text_is_hashed_as_utf_8() -> None:
    assert digest("花") == digest("花".encode()) and len(digest()) == 32


def test_a_name_that_the_locale_cannot_read_is_hashed_as_its_bytes() -> None:
    """Found as a bug: with LC_ALL=C, a Chinese file name ended the program."""
    assert digest("花".encode().decode("ascii", "surrogateescape")) == digest("花")


def test_old_names_stay_as_they_were() -> None:
    assert digest_content(b"") == hashlib.blake2b(b"", digest_size=16).hexdigest() == "cae66941d9efbd404e4d88758ea67670"


def test_a_file_larger_than_a_chunk_has_the_checksum_that_others_compute(tmp_path: Path) -> None:
    content = b"ab" * (CHUNK_BYTES // 2) + b"c"
    (tmp_path / "file").write_bytes(content)
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
