"""What every page is written on: the templates with their filters and the one style sheet; a template's name and its values in, the page as text out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.base import amounts
from headstart.base.harmless import harmless
from headstart.report import words

TEMPLATES = Path(__file__).parent / "templates"
UNBROKEN = "\N{NO-BREAK SPACE}%"  # no line begins with the sign
FILTERS = (
    *(words.percent, words.score, words.ends, words.gain_ends, words.points, words.seconds, words.size, words.count, words.anything, words.unbroken),
    words.shortened,
    *(amounts.hours, amounts.several),
)


def written(template: str, **values: Any) -> str:
    """The page. Texts from the user's data are escaped, and what could deceive the eye in them is made harmless."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.ChainableUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=lambda value: harmless(value).replace(" %", UNBROKEN) if type(value) is str else value,
    )  # fmt: skip
    environment.filters.update({function.__name__: function for function in FILTERS})
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file
    return str(environment.get_template(template).render(style=style, **values))
