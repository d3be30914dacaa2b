# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of objects of AWX: in the API, for the modules of C(awx.awx), and in messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..._api.text import printable

#: The modules that set up the objects of a section, if its name is not their plural.
_MODULES = {"inventories": "inventory"}


@dataclass(frozen=True)
class Node:
    """A node of a workflow, as AWX has it.

    :param runs: the type of its template, such as C(job) or C(workflow_approval); C(None) without one.
    :param links: the identifiers of the nodes that it leads to, by the kind of the link.
    """

    runs: str | None
    links: Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Target:
    """An object of AWX: C(section) is its kind as the API has it in paths.

    :param within: the inventory of a host, the workflow of a node, or the template of a schedule.
    """

    section: str
    name: str
    within: str | None = None

    @property
    def module(self) -> str:
        """The module that sets the object up, without its collection; as a word, it is the kind."""
        return _MODULES.get(self.section, self.section.removesuffix("s"))

    def __str__(self) -> str:
        """Return the kind and the name, and what it belongs to, for messages."""
        kind = self.module.replace("workflow_job_template", "workflow").replace("_", " ")
        within = f" of {printable(self.within)!r}" if self.within else ""
        return f"{kind} {printable(self.name)!r}{within}"
