"""How a data set's profile looks to somebody who has never seen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType

from headstart.cli.records import nested
from headstart.cli.show import plain

if TYPE_CHECKING:
    from headstart.data import Profile


def profile_parts(profile: Profile) -> list[RenderableType]:
    """Everything the profile says, values first, then a table for each part."""
    return nested("Data", plain(profile))
