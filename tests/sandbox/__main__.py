# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a sandbox and print the variables that point playbooks at it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir
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
    if not _is_free(options.port):
        raise SystemExit(
            f"sandbox: port {options.port} is taken, perhaps by another sandbox. End that one, or choose another port: "
            "make sandbox PORT=18726"
        )
    serve(World(settings, keyring), options.port, lambda port: _print_variables(port, keyring, options))


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
    parser.add_argument("--ledger", action="store_true", help="print the path of a ledger, too, and remove an old one")
    parser.add_argument(
        "--on-path",
        nargs=2,
        metavar=("BIN", "COLLECTIONS"),
        help="also print the lines that let a shell find ansible-playbook and the collection in these folders",
    )
    parser.add_argument("--api-key", help="the read-write key, with --api-secret; the seed decides otherwise")
    parser.add_argument("--api-secret", help="the secret of --api-key")
    return parser.parse_args()


def _is_free(port: int) -> bool:
    """Return whether the server can listen on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _print_variables(port: int, keyring: Keyring, options: argparse.Namespace) -> None:
    """Print lines for a shell, of which the acting user is the last that is no comment."""
    ledger = {"CAKEWALK_LEDGER": str(_new_ledger(port))} if options.ledger else {}
    if options.on_path:
        binaries, collections = map(os.path.abspath, options.on_path)
        print("# Paste these lines into another shell; Ctrl-C here ends the sandbox.")
        print(f"export PATH={shlex.quote(binaries)}:$PATH")
        names = ("ANSIBLE_LOCALHOST_WARNING", "ANSIBLE_INVENTORY_UNPARSED_WARNING")
        _print_exports({"ANSIBLE_COLLECTIONS_PATH": collections, **dict.fromkeys(names, "false")})
    _print_exports(
        {
            "CAKEWALK_BASE_URL": f"http://127.0.0.1:{port}",
            **ledger,
            **_variables_of(keyring.read_write),
            "CAKEWALK_ACTING_USER": ACTING_USER,
        }
    )
    print("# The read-only key, for dry runs and cakewalk_info:")
    _print_exports(_variables_of(keyring.read_only), "# ")
    print(f"# Ready: the sandbox listens on port {port}.", flush=True)


def _new_ledger(port: int) -> Path:
    """Return the path of a ledger that does not exist, since what an old one remembers is gone from the new tenant.

    The path stays the same for a shell that outlives the sandbox. A clone is no place for it: a ledger is refused where
    a folder above it may be writable by the group.
    """
    folder = Path(gettempdir(), f"cakewalk-sandbox-{os.getuid()}-{port}")
    shutil.rmtree(folder, ignore_errors=True)
    return folder / "ledger.json"


def _variables_of(pair: KeyPair) -> dict[str, str]:
    return {"CAKEWALK_API_KEY": pair.key, "CAKEWALK_API_SECRET": pair.secret}


def _print_exports(variables: Mapping[str, str], prefix: str = "") -> None:
    for name, value in variables.items():
        print(f"{prefix}export {name}={shlex.quote(value)}", flush=True)


if __name__ == "__main__":
    main()
