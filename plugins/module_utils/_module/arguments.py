# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules share, in groups named like the documentation fragments that describe them."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from .._api.transport import Connection

Options = dict[str, dict[str, Any]]


def _environment(name: str) -> str:
    """Return an environment variable as the value of an option; a blank variable counts as not set.

    C(env_fallback) of Ansible takes an empty variable for a value.

    :raises AnsibleFallbackNotFound: it is not set.
    """
    value = os.environ.get(name, "")
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


def _from_environment(name: str, **option: Any) -> dict[str, Any]:
    return {**option, "fallback": (_environment, [f"CAKEWALK_{name}"])}


CONNECTION: Options = {
    "api_key": _from_environment("API_KEY", type="str", no_log=True),
    "api_secret": _from_environment("API_SECRET", type="str", no_log=True),
    "base_url": _from_environment("BASE_URL", type="str", default="https://open-api.getcakewalk.io"),
    "validate_certs": _from_environment("VALIDATE_CERTS", type="bool", default=True),
    "ca_path": _from_environment("CA_PATH", type="path"),
    "timeout": _from_environment("TIMEOUT", type="int", default=30),
    "max_retries": _from_environment("MAX_RETRIES", type="int", default=4),
    "requests_per_minute": _from_environment("REQUESTS_PER_MINUTE", type="int", default=900),
    "concurrency": _from_environment("CONCURRENCY", type="int", default=8),
    "known_statuses": _from_environment("KNOWN_STATUSES", type="dict"),
}

ACTING: Options = {
    "acting_user": _from_environment("ACTING_USER", type="str"),
}

WRITING: Options = {
    "protected_users": {"type": "list", "elements": "str", "default": []},
}

JOURNAL: Options = {
    "journal_path": {"type": "path"},
}

LEDGER: Options = {
    "ledger_path": _from_environment("LEDGER", type="path"),
}


def spec(*groups: Options, options: Options, **constraints: Any) -> dict[str, Any]:
    """Return what C(AnsibleModule) takes: the groups and the module's own options in one argument spec.

    :param constraints: C(mutually_exclusive), C(required_if) and the like, as C(AnsibleModule) knows them.
    """
    merged = {name: option for group in (*groups, options) for name, option in group.items()}
    return {"argument_spec": merged, **constraints}


def bulk_spec(
    bulk: str, entry: Options, inherited: Options, *groups: Options, options: Options | None = None
) -> dict[str, Any]:
    """Return the argument spec of a module that takes a single entry as options, or many in the list C(bulk).

    :param entry: the options of an entry, first the option that names its subject.
    :param inherited: the options of the task that apply to every entry without its own.
    """
    single = {
        name: {key: value for key, value in option.items() if key != "required"} for name, option in entry.items()
    }
    own = {
        name: {key: value for key, value in option.items() if key != "default"} for name, option in inherited.items()
    }
    many: Options = {bulk: {"type": "list", "elements": "dict", "options": {**entry, **own}}}
    return spec(
        *groups,
        options={**single, **inherited, **many, **(options or {})},
        mutually_exclusive=[(name, bulk) for name in entry],
        required_one_of=[(next(iter(entry)), bulk)],
    )


def connection_of(params: dict[str, Any]) -> Connection:
    """Return the connection that the options of the group C(CONNECTION) describe.

    :raises ConfigurationError: it could not work, or would leak the credentials.
    """
    return Connection(**{name: params[name] for name in CONNECTION if name != "known_statuses"})
