# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhooks of the sandbox: signed, sent when something happens, and spoilt on demand."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from contract.wire import Request, Wire, answer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from events.sources import until
from sandbox.process import Sandbox

pytest_plugins = ["sandbox.fixtures"]
V1 = "/api/v1"


@pytest.fixture
def hook(vendor: Sandbox) -> Iterator[Wire]:
    """A server that takes every delivery."""
    with Wire(lambda _request: answer(200)) as wire:
        vendor.send_webhooks(wire.url + "/hook", pause=0.05)
        yield wire


def make_news(vendor: Sandbox, app: str = "Figma") -> None:
    """Have a request reached its action step."""
    vendor.change("open_request", kind="grant", app=app, user="connor.contractor@example.com")
    for _review in range(2):
        task = vendor.open_task("Connor Contractor", app)["id"]
        vendor.change("decide_task", task=task, verdict="approve")


def is_genuine(vendor: Sandbox, request: Request) -> bool:
    """Tell whether the vendor's key signed what came."""
    key = load_pem_public_key(vendor.call("GET", "/api/Keys").content)
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(base64.b64decode(request.headers.get("x-signature", "")), request.body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("form", ["array", "object"])
def test_what_happens_is_signed_and_sent(vendor: Sandbox, hook: Wire, form: str) -> None:
    vendor.configure(webhook_body=form)
    make_news(vendor)
    (request,) = until(lambda: hook.requests)
    body = json.loads(request.body)
    event = body[0] if form == "array" else body
    assert event["data"]["taskId"] == vendor.open_task("Connor Contractor", "Figma")["id"]
    assert (request.method, request.target) == ("POST", "/hook")
    assert is_genuine(vendor, request)


def test_calls_of_the_api_make_news_too(vendor: Sandbox, hook: Wire) -> None:
    vendor.change("open_request", kind="remove", app="Google Workspace", user="connor.contractor@example.com")
    task = vendor.open_task("Connor Contractor", "Google Workspace")["id"]
    vendor.call("POST", f"{V1}/Tasks/{task}/Approve", json={})
    until(lambda: hook.requests)


@pytest.mark.parametrize(
    ("mischief", "expected"),
    [
        ("lose", []),
        ("repeat", [True, True]),
        ("tamper", [False]),
        ("unsigned", [False]),
        ("forge", [False]),
    ],
)
def test_mischief_strikes_once(vendor: Sandbox, hook: Wire, mischief: str, expected: list[bool]) -> None:
    vendor.set_webhook_faults(mischief)
    make_news(vendor, "Figma")
    until(lambda: len(hook.requests) == len(expected))
    make_news(vendor, "GitHub")
    until(lambda: len(hook.requests) == len(expected) + 1)
    assert [is_genuine(vendor, request) for request in hook.requests] == [*expected, True]
    assert [one["mischief"] for one in vendor.sent_webhooks()] == [mischief, None]


def test_held_ones_come_after_the_next(vendor: Sandbox, hook: Wire) -> None:
    vendor.set_webhook_faults("hold")
    make_news(vendor, "Figma")
    make_news(vendor, "GitHub")
    until(lambda: len(hook.requests) == 2)
    apps = [json.loads(one.body)[0]["data"]["requestMetadata"]["targetWorkApp"]["name"] for one in hook.requests]
    assert apps == ["GitHub", "Figma"]


def test_a_rotated_key_signs(vendor: Sandbox, hook: Wire) -> None:
    before = vendor.sign(b"{}")
    assert before == vendor.sign(b"{}")
    vendor.rotate_key()
    assert before != vendor.sign(b"{}")
    make_news(vendor)
    assert is_genuine(vendor, until(lambda: hook.requests)[0])


def test_outages_are_tried_again_and_refusals_are_not(vendor: Sandbox) -> None:
    statuses = iter([503, 429, 200, 401])
    with Wire(lambda _request: answer(next(statuses))) as wire:
        vendor.send_webhooks(wire.url, pause=0.05)
        make_news(vendor, "Figma")
        until(lambda: len(wire.requests) == 3)
        make_news(vendor, "GitHub")
        until(lambda: len(wire.requests) == 4)
        time.sleep(0.3)
    assert [one["statuses"] for one in vendor.sent_webhooks()] == [[503, 429, 200], [401]]


@pytest.mark.parametrize(
    ("url", "wishes"),
    [
        ("http://cakewalk.example.com/", {}),
        ("https://127.0.0.1/", {}),
        ("http://127.0.0.1/", {"mischief": ["explode"]}),
        ("http://127.0.0.1/", {"colour": "red"}),
    ],
)
def test_wishes_that_are_not_allowed_are_refused(vendor: Sandbox, url: str, wishes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"only|unknown"):
        vendor.send_webhooks(url, **wishes)
