"""Drawing surface of the report's figures: matplotlib in, one SVG element out that follows the page's colours, fonts and width.

Colours are written as placeholders and replaced by the page's CSS variables, so one picture serves light, dark and print. Text stays text
(``svg.fonttype: none``): the browser picks a font that has the letters, Chinese ones too.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE, TRANSFER, SCRATCH, PLAIN, MAJORITY, CARD, RANDOM = (f"#0{digit}0{digit}0{digit}" for digit in range(1, 10))
VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    TRANSFER: "transfer",
    SCRATCH: "scratch",
    PLAIN: "plain",
    MAJORITY: "majority",
    CARD: "card",
    RANDOM: "random",
}
ARM_COLOURS = {"transfer": TRANSFER, "scratch": SCRATCH, "plain": PLAIN, "majority": MAJORITY, "random": RANDOM}
ARM_MARKERS = {"transfer": "o", "scratch": "s", "plain": "^", "majority": "D", "random": "v"}
POINTS_PER_INCH = 72
FONT_SIZE = 12.5
STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a class may be called "$5 or $10"
    "font.size": FONT_SIZE,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.solid_capstyle": "round",
}


def draw(name: str, description: str, width: float, height: float, paint: Callable[[Figure], None]) -> Markup:
    """Paint a figure and return it as an SVG element.

    Args:
        name: Distinguishes the figure's internal names from those of others on the page.
        description: What a person who cannot see it should hear.
        width: CSS pixels at natural size; it scales with the page.
        height: CSS pixels.
        paint: Draws on the figure.
    """
    import matplotlib as mpl
    from markupsafe import Markup, escape
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # svg.hashsalt: the same folder gives the same bytes. Glyph warnings: the browser has the letters that matplotlib's own font lacks.
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH))
        FigureCanvasSVG(figure)
        paint(figure)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Markup(_clean(text.getvalue(), str(escape(description)), width, height))  # noqa: S704  # matplotlib escapes every text


def quiet(axes: Axes, *, left: bool = False) -> None:
    """Take away what is not needed to read the values."""
    axes.tick_params(length=0, pad=6)
    if not left:
        axes.spines["left"].set_visible(False)
        axes.yaxis.set_visible(False)


def _clean(svg: str, description: str, width: float, height: float) -> str:
    """Keep the drawing only: no prolog, no metadata, no addresses, ids only where they are referred to."""
    inner = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", inner, flags=re.DOTALL).replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inner))
    inner = re.sub(r' id="([^"]*)"', lambda match: match.group(0) if match.group(1) in used else "", inner)
    for colour, variable in VARIABLES.items():
        inner = inner.replace(colour, f"var(--{variable})")
    lines = "\n".join(line.strip() for line in inner.splitlines() if line.strip())
    return f'<svg role="img" aria-label="{description}" viewBox="0 0 {width:g} {height:g}" style="max-width:{1.35 * width:g}px">{lines}</svg>'
