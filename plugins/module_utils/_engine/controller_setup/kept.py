# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets AWX may keep: those that still go where they went when somebody typed them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..._api.text import printable, summarize
from .calls import CREDENTIALS, NOTIFICATIONS, Call

#: How AWX shows a secret. It keeps a secret that it gets like this.
ENCRYPTED = "$encrypted$"
#: The options with the type and with the secrets, by section.
_HELD = {
    CREDENTIALS: ("credential_type", "inputs"),
    NOTIFICATIONS: ("notification_type", "notification_configuration"),
}
#: Parts of the names under which notifications say where secrets go, or whether others can read them on the way.
#: Types of credentials choose their own names, so any input of a credential may say that.
_WHERE = re.compile(r"host|url|server|domain|region|port|topic|ssl|tls|verify")


def held_in(section: str) -> str | None:
    """Return the option that holds the secrets of an object, or C(None) if objects of this kind have none."""
    return _HELD[section][1] if section in _HELD else None


def kept_secrets(found: Mapping[str, Any], option: str) -> set[str]:
    """Return the names of the secrets of an object that AWX has."""
    return {name for name, value in found[option].items() if value == ENCRYPTED}


def is_moved(call: Call, found: Mapping[str, Any]) -> bool:
    """Return whether secrets that AWX has could go elsewhere after a call."""
    option = held_in(call.target.section)
    return bool(option and kept_secrets(found, option) and _moved_by(call, found))


def problem_of_move(call: Call, found: Mapping[str, Any], given: Collection[str]) -> str | None:
    """Return why a call may not change an object, because of its secrets that AWX has, or C(None) if it may.

    :param found: the object as AWX has it.
    :param given: the names of the secrets that are given for it.
    """
    if call.target.section not in _HELD:
        return None
    type_option, option = _HELD[call.target.section]
    moved = _moved_by(call, found)
    if call.target.section == CREDENTIALS and type_option in moved:
        # The modules would add a second credential of the name.
        return (
            f"the {call.target} has another type in AWX; delete it there and give its secrets, or choose another name"
        )
    if not is_moved(call, found):
        return None
    secrets = kept_secrets(found, option)
    # Another type of notification has other secrets, so any of them will do.
    missing = secrets - set(given) if type_option not in moved else set() if given else secrets
    if not missing:
        return None
    return (
        f"the {call.target} could send its {_words(sorted(missing))} elsewhere, because {_words(moved)} changes; "
        "give its secrets again with `secrets`, or delete it in AWX"
    )


def _words(names: Iterable[str]) -> str:
    return summarize(repr(printable(name)) for name in names)


def _moved_by(call: Call, found: Mapping[str, Any]) -> list[str]:
    """Return the names of what changes and may say where secrets go."""
    type_option, option = _HELD[call.target.section]
    had = found["summary_fields"][type_option]["name"] if call.target.section == CREDENTIALS else found[type_option]
    if had != call.options[type_option]:
        return [type_option]
    before, after = found[option], call.options[option]
    # What is given as a secret counts too, since nobody knows whether it is one.
    shown = (before.keys() | after.keys()) - kept_secrets(found, option)
    if call.target.section == NOTIFICATIONS:
        shown = set(filter(_WHERE.search, shown))
    # AWX fills in what is left out, as blank or off.
    return sorted(
        name for name in shown if before.get(name) != after.get(name) and (before.get(name) or after.get(name))
    )
