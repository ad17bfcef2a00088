"""Text and a tokenizer's file in, the numbers of its tokens out: one tokenizer a file, kept, its bytes checked when it is first read.

The file is data: JSON with vocabulary and rules, as the Hugging Face ``tokenizers`` library writes it (which is Rust and runs no code from it), or for
tables of word vectors a column of words in a Parquet file, in the order of the table.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.base.errors import InputError, IntegrityError
from headstart.base.hashing import sha256_file

WORDS = ".parquet"
WORDS_MOST, WORDS_BYTES_MAX = 5_000_000, 256 << 20
UNKNOWN = "[UNK]"  # its number is the one behind the last word's
UNKNOWNS = (UNKNOWN, "<unk>")  # as WordPiece and SentencePiece write it
PANIC = "PanicException"  # of pyo3, which does not export it
CHARACTERS_A_TOKEN = 64  # what lies beyond so many characters for each token that fits is not tokenized: half a second saved for a text of a megabyte
_made: dict[tuple[str, str, int], Any] = {}
_sums: dict[tuple[str, int, int], str] = {}
_lock = threading.Lock()


def checksum(path: Path) -> str:
    """SHA-256 of a tokenizer's file, computed once for each state of it.

    Raises:
        InputError: when there is no such file.
    """
    try:
        state = path.stat()
    except OSError:
        raise InputError("the model's tokenizer is not there", got=path, fix="headstart gallery verify") from None
    key = (str(path), state.st_mtime_ns, state.st_size)
    if key not in _sums:
        _sums[key] = sha256_file(path)
    return _sums[key]


def tokens_of(text: str, path: str, sha256: str, max_tokens: int) -> NDArray[np.int32]:
    """The numbers of a text's tokens ``(length,)`` with those that the tokenizer puts around every text; at most max_tokens in all.

    Raises:
        InputError: when the file is not there.
        IntegrityError: when it is not the one that was recorded, or no tokenizer.
    """
    encoding = _tokenizer(path, sha256, max_tokens).encode(text[: max_tokens * CHARACTERS_A_TOKEN])
    return np.array(encoding.ids, dtype=np.int32)


def counted(text: str, path: str, sha256: str, max_tokens: int) -> tuple[int, int, int]:
    """How many tokens a text has, how many of them stand for what the vocabulary does not have, and how many characters they cover; at most max_tokens.

    Raises:
        InputError: when the file is not there.
        IntegrityError: when it is not the one that was recorded, or no tokenizer.
    """
    tokenizer = _tokenizer(path, sha256, max_tokens)
    unknown = {tokenizer.token_to_id(name) for name in UNKNOWNS} - {None}
    found = tokenizer.encode(text, add_special_tokens=False)
    return len(found.ids), sum(one in unknown for one in found.ids), max((end for _, end in found.offsets), default=0)


def _tokenizer(path: str, sha256: str, max_tokens: int) -> Any:
    key = (path, sha256, max_tokens)
    with _lock:
        if key not in _made:
            _made[key] = _read(Path(path), sha256, max_tokens)
        return _made[key]


def _read(path: Path, sha256: str, max_tokens: int) -> Any:
    from tokenizers import Tokenizer  # a tenth of a second to import

    if checksum(path) != sha256:
        raise IntegrityError(f"{path} is not the tokenizer that was recorded; it was not used")
    try:
        tokenizer = _of_words(path) if path.suffix == WORDS else Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except BaseException as error:  # the library raises a bare Exception; where its Rust gives up, a panic that is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        raise IntegrityError(f"{path} is no tokenizer: {' '.join(str(error).split())[:160]}") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _of_words(path: Path) -> Any:
    """Words in lower case, split at blanks and marks; each has its row's number."""
    from pyarrow import parquet
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    file = parquet.ParquetFile(path)
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    if file.metadata.num_rows > WORDS_MOST or sum(group.total_byte_size for group in groups) > WORDS_BYTES_MAX or not file.schema_arrow.names:
        raise ValueError("it holds too many words, or none")
    words = file.read(columns=file.schema_arrow.names[:1]).column(0).to_pylist()
    vocabulary = {str(word): number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel({**vocabulary, UNKNOWN: len(words)}, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    return tokenizer
