# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules in processes of their own, each a fork of a process in which everything is loaded.

A module reads its options and prints its result as under Ansible; only the waits between two looks at an unconfirmed
write are shorter.
"""

from __future__ import annotations

import codecs
import io
import json
import multiprocessing
import os
import resource
from contextlib import redirect_stdout, suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

# Makes the working tree importable as the collection.
import conftest  # noqa: F401 # pylint: disable=unused-import
from ansible.module_utils import basic
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._module import entry

MODULES = "ansible_collections.cakewalk.access.plugins.modules"
NAMES = ("group_member", "app_access", "app_policy", "app_custom_field", "task", "joiner", "mover", "leaver", "info")
CONFIRM_DELAYS = (0.0, 0.05)
#: Seconds within which every run ends, whatever the service does.
PATIENCE = 40.0

#: The usual id of the user C(nobody), who has no other process.
_NOBODY = 65534
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


class Run:
    """A module that runs.

    :param name: the name of the module without C(cakewalk_).
    :param options: its options, and Ansible's own ones.
    :param threads: how many threads the system allows it; root may have any number, and becomes somebody else.
    """

    def __init__(self, name: str, options: dict[str, Any], threads: int | None = None) -> None:
        self._secret = options["api_secret"]
        self._pipe, end = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=_run, args=(end, name, options, threads), daemon=True)
        self._process.start()
        end.close()

    def kill(self) -> None:
        """End the process as SIGKILL does."""
        self._process.kill()

    def has_ended(self, seconds: float) -> bool:
        """Wait so long at most, and return whether the run has ended."""
        return self._pipe.poll(seconds)

    def result(self) -> dict[str, Any] | None:
        """Return what the module printed, or C(None) if it was killed before.

        :raises AssertionError: the run does not end, or what it printed is no result.
        """
        assert self._pipe.poll(PATIENCE), f"the run did not end within {PATIENCE} seconds"
        printed = None
        with suppress(EOFError):
            printed = self._pipe.recv()
        self._process.join(PATIENCE)
        if printed is None:
            assert self._process.exitcode == -9, f"the run ended with {self._process.exitcode} and without a result"
            return None
        assert self._secret not in printed, "the result shows the secret"
        result: dict[str, Any] = _decoded(printed)
        return result


def _run(pipe: Connection, name: str, options: dict[str, Any], threads: int | None) -> None:
    if threads and os.geteuid() == 0:
        os.setuid(_NOBODY)
        resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))
    entry.apply = partial(apply, confirm_delays=CONFIRM_DELAYS)  # type: ignore[attr-defined]
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()  # type: ignore[attr-defined]
    if hasattr(basic, "_ANSIBLE_PROFILE"):
        basic._ANSIBLE_PROFILE = "legacy"
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        import_module(f"{MODULES}.cakewalk_{name}").main()
    pipe.send(printed.getvalue())


def _decoded(printed: str) -> Any:
    """Return a result as Ansible reads it, which refuses some keys since ansible-core 2.19."""
    try:
        from ansible.module_utils.common.json import get_module_decoder
    except ImportError:
        return json.loads(printed)
    return json.loads(printed, cls=get_module_decoder("legacy", "m2c"))


for _name in NAMES:
    import_module(f"{MODULES}.cakewalk_{_name}")
# The user C(nobody) may not be allowed to read the file of this codec, which is loaded at its first use.
codecs.lookup("unicode_escape")
