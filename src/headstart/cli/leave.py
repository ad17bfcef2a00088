"""How the program leaves: 0 done, 2 the input is wrong, 1 our fault, 130 stopped by Ctrl-C; always with a last line that helps."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.text import Text
from typer import Abort, Exit, TyperException

from headstart.base.errors import HeadstartError, InputError, shortage
from headstart.base.folders import home
from headstart.cli.show import answer_json, talk

DONE, OUR_FAULT, INPUT_WRONG, STOPPED = 0, 1, 2, 130
DEBUG = "HEADSTART_DEBUG"


class StoppedError(HeadstartError):
    """Ctrl-C in the middle of a run; the text is the line that goes on with it."""

    exit_code = STOPPED


@contextmanager
def resumable() -> Iterator[None]:
    """Remember, when Ctrl-C stops a run, the line that resumes it: Typer would forget it."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise StoppedError(how_to_go_on(stop)) from None


def how_to_go_on(error: BaseException) -> str:
    """The line that goes on with a run, where the run has left one with the error."""
    return next((note for note in getattr(error, "__notes__", ()) if note.startswith("headstart resume ")), "")


def guarded(work: Callable[[], object], *, as_json: bool) -> int:
    """Run the command line and turn however it ends into an exit code and, with ``--json``, still one JSON object."""
    try:
        code = work()
        sys.stdout.flush()  # what cannot be written is said here, not by the interpreter as it ends
    except InputError as error:
        return input_wrong(str(error), error.fix, as_json=as_json)
    except TyperException as error:
        return usage_wrong(error, as_json=as_json)
    except StoppedError as stop:
        return stopped(str(stop), as_json=as_json)
    except (KeyboardInterrupt, Abort):
        return stopped(as_json=as_json)
    except Exit as end:
        code = end.exit_code
    except BrokenPipeError:
        return reader_gone()
    except SystemExit as end:  # what Typer and rich make of a reader that has gone: exit 1
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        return reader_gone()
    except Exception as error:
        known = shortage(error, "make room or give permission, then the same command again")
        return our_fault(error, as_json=as_json) if known is None else input_wrong(str(known), known.fix, as_json=as_json)
    if code == STOPPED:
        return stopped(as_json=as_json)
    return code if isinstance(code, int) else DONE


def input_wrong(message: str, fix: str | None, *, as_json: bool) -> int:
    """Say what is wrong with the input, the first line bold."""
    first, _, rest = message.partition("\n")
    talk().print(Text.assemble(("error: ", "bold red"), (first, "bold"), f"\n{rest}" if rest else ""), soft_wrap=True)
    last_answer({"error": {"kind": "input", "message": message, "fix": fix}}, as_json=as_json)
    return INPUT_WRONG


def usage_wrong(error: TyperException, *, as_json: bool) -> int:
    """Say which word of the command line was not understood."""
    if not error.format_message():  # the help was asked for by giving no words, and has been shown
        return INPUT_WRONG
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help" if context is not None else "headstart --help"
    return input_wrong(f"{error.format_message()}\n  fix: {hint}", hint, as_json=as_json)


def stopped(go_on: str = "", *, as_json: bool) -> int:
    """Say that Ctrl-C was heard, what became of the work, and as the last line how it goes on."""
    talk().print("\nstopped. What was fetched and computed so far is kept and will be used again.")
    if go_on:
        talk().print(f"go on with it:\n{go_on}", soft_wrap=True, markup=False, highlight=False)
    last_answer({"error": {"kind": "stopped", "message": "stopped by the user", "fix": go_on or None}}, as_json=as_json)
    return STOPPED


def our_fault(error: Exception, *, as_json: bool) -> int:
    """Say briefly what broke and where the traceback lies; with HEADSTART_DEBUG=1 show it."""
    details = "".join(traceback.format_exception(error))
    if os.environ.get(DEBUG) == "1":
        talk().print(details, markup=False, soft_wrap=True)
    where = keep(details)
    message = str(error) if isinstance(error, HeadstartError) else f"{type(error).__name__}: {error}"
    ours = "" if isinstance(error, HeadstartError) else "\n  this is a fault of headstart or of the machine, not of your input"
    ours += f"\n  go on with the run: {line}" if (line := how_to_go_on(error)) else ""
    talk().print(Text.assemble(("failed: ", "bold red"), (message, "bold"), f"{ours}\n  the traceback lies in {where}"), soft_wrap=True)
    last_answer({"error": {"kind": "fault", "message": message, "traceback": str(where), "fix": None}}, as_json=as_json)
    return OUR_FAULT


def last_answer(value: Any, *, as_json: bool) -> None:
    """With ``--json`` still answer with one object; where standard output itself is what cannot be written, let go of it, or the interpreter stumbles too."""
    try:
        if as_json:
            answer_json(value)
        sys.stdout.flush()
    except OSError:
        let_go_of_output()


def let_go_of_output() -> None:
    """What is still to be written to standard output goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def keep(details: str) -> Path:
    """Write a traceback where the user finds it again; in the temporary folder when home is what broke."""
    name = f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}-{os.getpid()}.txt"
    folders = [Path(tempfile.gettempdir())]
    with suppress(InputError):  # a home that is a file
        folders.insert(0, home() / "failures")
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(details, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return folder / name
    return Path(os.devnull)


def reader_gone() -> int:
    """The program that read our output has ended (``| head``): that is its right; leave quietly."""
    let_go_of_output()
    return DONE
