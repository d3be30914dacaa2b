# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a sandbox and print the variables that point playbooks at it."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import Any

from .keys import READ_ONLY, READ_WRITE, KeyPair, Keyring
from .known import ACTING_USER
from .server import serve
from .settings import Settings
from .world import World


def main() -> None:
    """Read the options, start, and serve until told to end."""
    options = _options()
    named = ("seed", "users", "groups", "apps", "rate_limit", "latency")
    given: dict[str, Any] = {name: getattr(options, name) for name in named if getattr(options, name) is not None}
    try:
        settings = Settings().changed(**json.loads(options.settings), **given)
    except (ValueError, TypeError) as error:
        raise SystemExit(f"sandbox: {error}") from None
    keyring = Keyring(KeyPair.of_seed(settings.seed, READ_WRITE), KeyPair.of_seed(settings.seed, READ_ONLY))
    if options.api_key and options.api_secret:
        keyring = Keyring(KeyPair(options.api_key, options.api_secret), keyring.read_only)
    serve(World(settings, keyring), options.port, lambda port: _print_variables(port, keyring.read_write))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    for name, meaning in (
        ("seed", "one seed, one company"),
        ("users", "people in the directory"),
        ("groups", "groups"),
        ("apps", "apps"),
        ("rate-limit", "requests allowed a minute; 0 for no limit"),
    ):
        parser.add_argument(f"--{name}", type=int, help=meaning)
    parser.add_argument("--latency", type=float, metavar="SECONDS", help="how much longer each answer takes")
    parser.add_argument(
        "--settings", metavar="JSON", default="{}", help="any settings and dialect fields as one object"
    )
    parser.add_argument("--api-key", help="the read-write key, with --api-secret; the seed decides otherwise")
    parser.add_argument("--api-secret", help="the secret of --api-key")
    return parser.parse_args()


def _print_variables(port: int, pair: KeyPair) -> None:
    for name, value in (
        ("CAKEWALK_BASE_URL", f"http://127.0.0.1:{port}"),
        ("CAKEWALK_API_KEY", pair.key),
        ("CAKEWALK_API_SECRET", pair.secret),
        ("CAKEWALK_ACTING_USER", ACTING_USER),
    ):
        print(f"export {name}={shlex.quote(value)}", flush=True)


if __name__ == "__main__":
    main()
