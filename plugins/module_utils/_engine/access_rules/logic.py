# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kleene's logic of three values: true, false, and what is not known."""

from __future__ import annotations

from collections.abc import Collection

#: A value that is not known.
UNKNOWN = None


def all_of(values: Collection[bool | None]) -> bool | None:
    """Return whether all values are true, in Kleene's logic: false if one is, otherwise unknown if one is."""
    return False if False in values else UNKNOWN if UNKNOWN in values else True


def any_of(values: Collection[bool | None]) -> bool | None:
    """Return whether a value is true, in Kleene's logic: true if one is, otherwise unknown if one is."""
    return True if True in values else UNKNOWN if UNKNOWN in values else False


def negation(value: bool | None) -> bool | None:
    """Return the opposite of a value, in Kleene's logic."""
    return UNKNOWN if value is UNKNOWN else not value
