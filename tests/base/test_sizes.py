"""Sizes in words are read, or refused with the option they were given for."""

from __future__ import annotations

import pytest

from headstart.base.errors import InputError
from headstart.base.sizes import bytes_in


def test_sizes_are_read_in_decimal_units_whatever_their_case() -> None:
    read = [bytes_in(words, option="--to", fix="--to 2GB") for words in ("0", "500MB", "2 gb", "1.5kB", "1TB")]
    assert read == [0, 500_000_000, 2_000_000_000, 1_500, 10**12]


@pytest.mark.parametrize("words", ["-3", "2GiB", "much", "", "1e9", "\u0662GB", "9" * 400])
def test_what_is_no_size_is_refused_by_name(words: str) -> None:
    with pytest.raises(InputError, match="--memory is not a size") as refusal:
        bytes_in(words, option="--memory", fix="--memory 2GB")
    assert refusal.value.fix == "--memory 2GB"
