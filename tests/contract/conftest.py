# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox tenant for the whole session, fresh for each test, and clients that speak to it in this very process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from sandbox.process import Sandbox

#: What would lead a client past the server of a test.
_STRAYING = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take proxies and certificate bundles out of the environment; tests that are about them put them back."""
    for name in _STRAYING:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """One process for all tests: starting costs a second, a reset some milliseconds."""
    with Sandbox(users=60, groups=8, apps=8, rate_limit=0) as sandbox:
        yield sandbox


@pytest.fixture
def tenant(running_sandbox: Sandbox) -> Sandbox:
    """A fresh small company without a rate limit."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def connect(tenant: Sandbox) -> Callable[..., Client]:
    """A maker of clients of the tenant: options of the connection may differ, C(base_url) among them.

    They are patient, since a busy machine may let the tenant wait for seconds.
    """

    def make(**options: Any) -> Client:
        own = {"base_url": tenant.url, "api_key": tenant.api_key, "api_secret": tenant.api_secret}
        return Client(Connection(**{**own, "timeout": 60, "max_retries": 1, **options}))

    return make


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client of the tenant that repeats once."""
    return connect()


@pytest.fixture
def cakewalk(client: Client) -> Tenant:
    """The tenant as a plan sees it."""
    return Tenant(client)
