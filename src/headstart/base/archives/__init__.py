"""Archives as data: a zip, tar or compressed tar in, its members one after another out, counted while they stream; nothing is unpacked wholesale."""

from headstart.base.archives.limits import Limits, damage
from headstart.base.archives.members import SUFFIXES, Member, copy, is_archive, members
from headstart.base.archives.names import Tree

__all__ = ["SUFFIXES", "Limits", "Member", "Tree", "copy", "damage", "is_archive", "members"]
