# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of a task, from its single or its bulk form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize


def entries_of(params: Mapping[str, Any], bulk: str, about: str) -> list[Mapping[str, Any]]:
    """Return the entries of a task in bulk form; the single form is one entry.

    :param bulk: the option of the bulk form.
    :param about: the option that names the subject of an entry, in both forms.
    :raises ConfigurationError: the subject is null, which YAML makes of a forgotten value.
    """
    entries = [params] if params[bulk] is None else params[bulk]
    for entry in entries:
        if entry is None or entry[about] is None:
            where = f"an entry of {bulk}" if params[bulk] is not None else "the task"
            raise ConfigurationError(
                f"find out what {where} is about",
                f"{about} is null or missing",
                f"Give {about}, or {bulk}.",
                option=about,
            )
    return entries


def check_addresses(references: Iterable[str], option: str) -> None:
    """Raise a C(ConfigurationError) if e-mail addresses hold a blank: no person can have them, or appear with them."""
    blank = [text for text in references if "@" in text and any(sign.isspace() for sign in text)]
    if blank:
        addresses = [f"the address {printable(reference)!r} holds a blank" for reference in blank]
        raise ConfigurationError(
            f"use `{option}`",
            summarize(addresses, separator="; "),
            "Correct the address; a list has one address per item, line or comma.",
            option=option,
        )


def users_of(entry: Mapping[str, Any], action: str) -> tuple[str, ...]:
    """Return the users of an entry, as written.

    :param action: what the users are for, as a verb phrase for messages.
    :raises ConfigurationError: the list is null or missing, or holds a blank.
    """
    users = entry["users"]
    if users is None:
        raise ConfigurationError(action, "users is null or missing", "Give a list.", option="users")
    if not all(user.strip() for user in users):
        raise ConfigurationError(action, "an entry is blank", "Remove it, or fill it in.", option="users")
    return tuple(users)
