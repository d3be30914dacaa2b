# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox as a process of its own, for tests and demos.

with Sandbox(users=50) as sandbox:
    run(env=sandbox.env)
    assert not [entry for entry in sandbox.log() if entry["method"] != "GET"]
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

_PACKAGE_ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 60
_END = "CAKEWALK_ACTING_USER"


class Sandbox:
    """A running sandbox; it starts when it is made, and ends with the C(with) block or :meth:`stop`.

    :param settings: settings and dialect fields (:class:`sandbox.settings.Settings`, :class:`sandbox.dialect.Dialect`).
    :ivar url: the base URL, without C(/api/v1).
    :ivar env: the C(CAKEWALK_*) variables.
    :ivar acting_user: the e-mail of an admin.
    """

    def __init__(self, **settings: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--settings", json.dumps(settings)],
            env={**os.environ, "PYTHONPATH": str(_PACKAGE_ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._session = requests.Session()
        self._session.trust_env = False
        try:
            self.env = self._announced()
            self.url = self.env["CAKEWALK_BASE_URL"]
            self.acting_user = self.env["CAKEWALK_ACTING_USER"]
            keys = self.info()["keys"]
        except BaseException:
            self.stop()
            raise
        self.api_key, self.api_secret = keys["read_write"]["key"], keys["read_write"]["secret"]
        self.read_only_key, self.read_only_secret = keys["read_only"]["key"], keys["read_only"]["secret"]

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_facts: object) -> None:
        self.stop()

    def stop(self) -> int:
        """End the process and return its exit code, which is 0 if all went well."""
        self._session.close()
        self._process.terminate()
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            if self._process.stdout:
                self._process.stdout.close()

    def info(self) -> dict[str, Any]:
        """Return settings, keys and acting user."""
        return self._control("GET", "info")

    def log(self, method: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        """Return the requests (:class:`sandbox.log.Entry`), all or those of a method or operation."""
        return [
            entry
            for entry in self._control("GET", "log")
            if method in (None, entry["method"]) and operation in (None, entry["operation"])
        ]

    def clear_log(self) -> None:
        """Forget the requests so far."""
        self._control("DELETE", "log")

    def state(self, *sections: str) -> dict[str, Any]:
        """Return the tenant, or some of its tables (:meth:`sandbox.state.State.dump`)."""
        return self._control("GET", "state", params={"only": ",".join(sections)})

    def deliveries(self) -> list[Any]:
        """Return the bodies of the webhooks so far, in the form of the dialect."""
        return self._control("GET", "deliveries")

    def send_webhooks(self, url: str, **wishes: Any) -> None:
        """Send webhooks about what happens from now on; an empty address sends none (:mod:`sandbox.deliveries`)."""
        self._control("POST", "webhook", json={"url": url, **wishes})

    def set_webhook_faults(self, *mischief: str) -> None:
        """Have something go wrong with each of the next webhooks (:mod:`sandbox.deliveries`)."""
        self._control("POST", "webhook", json={"mischief": mischief})

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return the webhooks that were sent, with what they were answered."""
        return self._control("GET", "webhook")

    def sign(self, body: bytes) -> str:
        """Return the vendor's signature of a body."""
        return self._control("POST", "sign", data=body)["signature"]

    def rotate_key(self) -> None:
        """Sign webhooks with another key from now on."""
        self._control("POST", "rotate")

    def note_questions(self) -> None:
        """Note from now on, until the next reset, which questions of the dialect decide something."""
        self._control("POST", "notes")

    def noted_questions(self) -> set[str]:
        """Return the questions of the dialect of which another answer would have made, or might make, a difference."""
        return set(self._control("GET", "notes"))

    def configure(self, **settings: Any) -> dict[str, Any]:
        """Change settings and dialect fields while the data stay; return all settings."""
        return self._control("PATCH", "settings", json=settings)

    def reset(self, **settings: Any) -> dict[str, Any]:
        """Start over under the settings at the start and these; return all settings."""
        return self._control("POST", "reset", json=settings)

    def fault(self, operation: str, kind: str | int, count: int = 1, **options: Any) -> None:
        """Ask for a fault (:class:`sandbox.faults.Fault`)."""
        self._control("POST", "faults", json=[{"operation": operation, "kind": kind, "count": count, **options}])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are left."""
        return self._control("GET", "faults")

    def calm(self) -> None:
        """Forget the faults that are left, and the changes that wait."""
        self._control("DELETE", "faults")

    def change(self, change: str, *, after: int = 0, operation: str = "*", **arguments: Any) -> None:
        """Change the tenant behind the client's back (:mod:`sandbox.changes`), now or after so many requests."""
        wish = {"change": change, "after": after, "operation": operation, **arguments}
        self._control("POST", "change", json=[wish])

    def find(self, section: str, name: str) -> dict[str, Any]:
        """Return the first record of a table of :meth:`state` with this name or e-mail.

        :raises LookupError: if there is none.
        """
        for row in self.state(section)[section]:
            if name in (row["name"], row.get("email")):
                return row
        raise LookupError(f"no {section} are named {name!r}")

    def open_task(self, user: str, app: str) -> dict[str, Any]:
        """Return the task that the latest open request about a person and an app is at; see :meth:`find`.

        :raises LookupError: if there is no open request.
        """
        about = {"target_id": self.find("users", user)["id"], "app_id": self.find("apps", app)["id"]}
        tables = self.state("requests", "tasks")
        for request in reversed(tables["requests"]):
            if about.items() <= request.items() and request["status"] == "Pending":
                return next(row for row in tables["tasks"] if row["id"] == request["task_ids"][-1])
        raise LookupError(f"no request about {user!r} and {app!r} is open")

    def reviewed_request(self, user: str, app: str, kind: str = "grant", **options: Any) -> str:
        """Have somebody ask for something, and those who review it approve; return the id of the task that is left.

        :param options: further ones of the change C(open_request).
        """
        self.change("open_request", kind=kind, app=app, user=user, **options)
        while not (task := self.open_task(user, app))["is_action"]:
            self.change("decide_task", task=task["id"], verdict="approve")
        return str(task["id"])

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request the way a client with the read-write key does; the options are those of C(requests)."""
        headers = {"X-API-KEY": self.api_key, "X-API-SECRET": self.api_secret, **options.pop("headers", {})}
        return self._session.request(
            method, self.url + path, headers=headers, timeout=_PATIENCE, allow_redirects=False, **options
        )

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return all rows of a list, read with the query parameter C(cursor)."""
        rows: list[dict[str, Any]] = []
        query: dict[str, str] = {}
        while True:
            page = self.call("GET", path, params=query).json()
            rows += page["data"]
            if not page["links"].get("next"):
                return rows
            query = {"cursor": parse_qs(urlsplit(page["links"]["next"]).query)["cursor"][0]}

    def _announced(self) -> dict[str, str]:
        """Return the variables that the process prints once it listens."""
        variables = {}
        for line in self._process.stdout or ():
            name, value = line.removeprefix("export ").split("=", 1)
            variables[name] = "".join(shlex.split(value))
            if name == _END:
                return variables
        raise RuntimeError(f"The sandbox ended with {self._process.wait()} before it listened.")

    def _control(self, method: str, path: str, **options: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/_sandbox/{path}", timeout=_PATIENCE, **options)
        if answer.status_code == 400:
            raise ValueError(answer.json()["detail"])
        answer.raise_for_status()
        return answer.json() if answer.content else None
