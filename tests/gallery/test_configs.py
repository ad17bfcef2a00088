"""Configurations of downloaded models: usual ones pass without their programs, what names code, kernels or endless expressions is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headstart.base.errors import InputError
from headstart.gallery.configs import check_config, may_run_for_ever, read_config

BERT = {"architectures": ["BertModel"], "hidden_size": 384, "model_type": "bert", "trust_remote_code": False, "_attn_implementation": "sdpa"}
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{M}]*[\p{Ll}\p{Lm}]+(?i:'s|'t)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+"


def test_a_usual_configuration_passes_and_loses_its_chat_template() -> None:
    assert check_config(BERT | {"chat_template": "{{ cycler.__init__.__globals__.os.system('true') }}"}) == BERT


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"auto_map": {"AutoModel": "modeling.Evil"}}, "'auto_map' names code"),
        ({"text_config": {"auto_map": {"AutoModel": "modeling.Evil"}}}, "'text_config.auto_map' names code"),
        ({"layers": [{"_target_": "os.system"}]}, r"_target_' names code"),
        ({"trust_remote_code": True}, "'trust_remote_code' names code"),
        ({"custom_pipelines": {"x": {"impl": "evil.Pipe"}}}, "names code"),
        ({"attn_implementation": "evil/kernels"}, "'attn_implementation' names a kernel"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": r"(\s+)+$"}}}, "never end"),
    ],
)
def test_what_chooses_code_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_config(BERT | changes)


def test_all_faults_are_named_at_once_and_printable() -> None:
    with pytest.raises(InputError) as refused:
        check_config({"auto_map": {"a": "b"}, "x\x1b[2J": {"py/object": "os.system"}})
    assert "auto_map" in str(refused.value) and "py/object" in str(refused.value) and "\x1b" not in str(refused.value)


def test_a_configuration_nested_for_ever_is_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(2000):
        nested = {"a": nested}
    with pytest.raises(InputError, match="too deeply"):
        check_config(nested)


@pytest.mark.parametrize("expression", [GPT2, LLAMA3, GPT4O, r"[()+*]+", r"\(+\)+", "(ab|cd)+", "(a+)?", "(a+){1}", "(?:a{3})*", "{+}", ""])
def test_expressions_in_use_end(expression: str) -> None:
    assert not may_run_for_ever(expression)


@pytest.mark.parametrize(
    "expression",
    ["(a+)+", "(a*)*b", "((a+)b?)+", r"(\s+)*$", "(a+){2,}", "(?:x|y+)+", "([^)]+)+", "a" * 1001, "(a+){1,50}b", "(a+){3}", "(a{1,50})+b", "(a{2,}b?){,9}"],
)
def test_expressions_that_may_never_end_are_known(expression: str) -> None:
    assert may_run_for_ever(expression)


def test_a_file_is_read_with_its_limits(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(BERT))
    assert read_config(path) == BERT
    for content, words in [("[" * 100_000, "not JSON"), ("[1]", "no table"), ('{"a": ' + "9" * 5000 + "}", "not JSON"), ("\xff", "not JSON")]:
        path.write_bytes(content.encode("latin1"))
        with pytest.raises(InputError, match=words):
            read_config(path)
    with path.open("wb") as stream:
        stream.truncate(65 << 20)
    with pytest.raises(InputError, match="larger than any"):
        read_config(path)
