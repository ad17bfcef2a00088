"""Data never executes, and the tree names no registry host and no path of one machine: read off the syntax trees, not the words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

EXECUTING_MODULES = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
EXECUTING_NAMES = {"eval", "exec", "compile", "__import__"}
EXECUTING_ATTRIBUTES = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput"), ("subprocess", "call")}
EXECUTING_ATTRIBUTES |= {(owner, name) for owner in ("os",) for name in ("execv", "execve", "execvp", "spawnl", "spawnv", "startfile", "fork")}
EXECUTING_ATTRIBUTES |= {("runpy", "run_path"), ("runpy", "run_module"), ("code", "interact"), ("torch.hub", "load"), ("hub", "load"), ("yaml", "load")}
# Modules that are chosen by a value rather than written down: with a constant they are an ordinary import.
IMPORTERS = {("importlib", "import_module"), ("importlib.util", "spec_from_file_location"), ("pydoc", "locate"), ("pkgutil", "resolve_name")}
UNPACKERS = {"extractall", "unpack_archive"}
# What a keyword must never be, wherever it is passed.
REFUSED_KEYWORDS = {"shell": True, "weights_only": False, "trust_remote_code": True, "allow_pickle": True}
# A line may be excused here, with the reason, and nowhere else.
EXCUSED = {
    ("modality/registry.py", "calls import_module with a value"): "one of three modules that stand in the file itself; any other name is refused before",
    ("gallery/readers.py", "imports pickle"): "an Unpickler that admits nothing but numpy arrays, in a bounded subprocess",
}
# Written in two pieces so that this file does not find itself.
HOSTS = ["pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(org|com)", "debian" + r"\.org", "download.pytorch" + r"\.org"]
MACHINE_PATHS = ["/work" + "/main", "/work" + "/shared", "/tmp" + "/assets", r"(?<![\w}])/root" + "/", "/opt" + "/(wheels|pypi)", "/home" + "/[a-z]+/"]


def findings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and kind of every construct through which data could execute or leave its folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, f"imports {name}") for alias in node.names if (name := alias.name.split(".")[0]) in EXECUTING_MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in EXECUTING_MODULES:
            yield node.lineno, f"imports {node.module}"
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, kind) for kind in call_findings(node))


def call_findings(call: ast.Call) -> Iterator[str]:
    """What is wrong with one call."""
    function = call.func
    if isinstance(function, ast.Name) and function.id in EXECUTING_NAMES:
        yield f"calls {function.id}"
    if isinstance(function, ast.Name) and function.id in {name for _, name in IMPORTERS} and not _constant(call):
        yield f"calls {function.id} with a value"
    if isinstance(function, ast.Attribute):
        owner = ast.unparse(function.value) if isinstance(function.value, (ast.Name, ast.Attribute)) else ""
        if (owner, function.attr) in EXECUTING_ATTRIBUTES or function.attr in UNPACKERS:
            yield f"calls {function.attr}"
        if (owner, function.attr) in IMPORTERS and not _constant(call):
            yield f"calls {function.attr} with a value"
        if (owner, function.attr) == ("torch", "load") and not any(word.arg == "weights_only" for word in call.keywords):
            yield "torch.load without weights_only=True"
    for word in call.keywords:
        if word.arg in REFUSED_KEYWORDS and isinstance(word.value, ast.Constant) and word.value.value is REFUSED_KEYWORDS[word.arg]:
            yield f"passes {word.arg}={word.value.value}"


def _constant(call: ast.Call) -> bool:
    """Is the first argument written down?"""
    return bool(call.args) and isinstance(call.args[0], ast.Constant)


def test_nothing_in_the_package_executes_data(sources: list[Path], root: Path) -> None:
    found = []
    for file in sources:
        name = file.relative_to(root / "src/headstart").as_posix()
        found += [f"{name}:{line} {kind}" for line, kind in findings(ast.parse(file.read_text(encoding="utf-8"))) if (name, kind) not in EXCUSED]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "archive.extractall(folder)",
        "subprocess.run(words, shell=True)",
        "torch.load(file)",
        "torch.load(file, weights_only=False)",
        "numpy.load(file, allow_pickle=True)",
        "os.system(words)",
        "importlib.import_module(name)",
        "import_module(config['module'])",
        "shutil.unpack_archive(path, folder)",
        "torch.hub.load(owner, name)",
        "runpy.run_path(path)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_the_check_sees_what_it_is_for(line: str) -> None:
    assert list(findings(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["network.eval()", "re.compile(words)", "torch.load(file, weights_only=True)", "archive.extract(member)", "importlib.import_module('json')"]
)
def test_the_check_lets_harmless_lines_pass(line: str) -> None:
    assert not list(findings(ast.parse(line)))


def test_the_tree_names_no_registry_host_and_no_path_of_one_machine(files: list[Path]) -> None:
    forbidden = re.compile("|".join(HOSTS + MACHINE_PATHS))
    found = []
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{file.name}:{number} {match[0]}" for number, line in enumerate(lines, 1) if (match := forbidden.search(line))]
    assert not found


def test_constraints_hold_no_address_and_keep_the_bans(root: Path) -> None:
    lines = (root / "constraints.txt").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert not [line for line in rules if "://" in line or "@" in line or "+" in line]
    assert {"nvidia-cublas<0", "nvidia-cudnn-cu12<0", "nvidia-cudnn-cu13<0", "triton<0"} <= set(rules)
