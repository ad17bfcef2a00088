"""Text of others as it may be shown: what a terminal or a reader would obey rather than show goes in, its escape comes out."""

from __future__ import annotations

# Control characters (C0 without tab and line end, DEL, C1: Unicode 16, 23.1) and the marks that turn the direction of writing (UAX 9, 2).
OBEYED = (*range(9), *range(11, 32), *range(127, 160), 0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SHOWN = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in OBEYED}
_IN_JSON = {code: f"\\u{code:04x}" for code in OBEYED if code > 126}


def harmless(text: str) -> str:
    r"""Show control characters and marks of direction as escapes; tabs and line ends stay.

    Example:
        >>> print(harmless("a\x1b[2Jb"))
        a\x1b[2Jb
    """
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def harmless_json(text: str) -> str:
    """The same in a JSON text, by JSON's own escapes: its value does not change."""
    return text.translate(_IN_JSON)
