# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure functions of the webhook source, by value and under arbitrary input.

Whatever comes in, nothing unsigned is held to be signed, nothing but ids and known words comes out, and nothing is
raised but what is documented.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from events.deliveries import PAYLOADS, actionable, written
from events.sources import load
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st

SOURCE = SimpleNamespace(**load("webhook"))
POLLER = SimpleNamespace(**load("tasks"))
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = [KEY.public_key()]
MANY = examples(300)

WORDS = (
    *(
        "eventType",
        "data",
        "taskId",
        "requestMetadata",
        "requestType",
        "targetWorkApp",
        "permissionLevel",
        "id",
        "test",
    ),
    *("action_task.actionable", "GrantAccessRequest", "6c1e1b58-0b56-4a1c-9d0c-3a0c0f6f3d11", *PAYLOADS),
)
TEXTS = st.sampled_from(WORDS) | st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=25,
)
BODIES = st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode())
ALLOWED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def signed(body: bytes, key: rsa.RSAPrivateKey = KEY, pad: Any = None, algorithm: Any = None) -> str:
    """Return a signature, by default the one that is asked for."""
    return base64.b64encode(key.sign(body, pad or padding.PKCS1v15(), algorithm or SHA256())).decode()


def pem(key: Any = KEY, form: Any = serialization.PublicFormat.SubjectPublicKeyInfo) -> str:
    """Return the public half as PEM text."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def der(key: Any = KEY) -> bytes:
    """Return the public half as DER."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@given(st.binary(max_size=200))
@MANY
def test_what_is_signed_is_held_to_be_signed(body: bytes) -> None:
    assert SOURCE.signatures.is_signed(body, signed(body), PUBLIC)
    assert SOURCE.signatures.is_signed(body, signed(body), [OTHER.public_key(), *PUBLIC])
    assert not SOURCE.signatures.is_signed(body, signed(body), [])


@given(st.binary(max_size=200), st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()))
@example(b"", "")
@example(b"", base64.b64encode(bytes(256)).decode())
@MANY
def test_no_other_text_passes_for_a_signature(body: bytes, signature: str) -> None:
    assert not SOURCE.signatures.is_signed(body, signature, PUBLIC)


@given(st.binary(max_size=200), st.binary(max_size=200))
@MANY
def test_a_signature_belongs_to_its_body(body: bytes, other: bytes) -> None:
    assert SOURCE.signatures.is_signed(other, signed(body), PUBLIC) == (body == other)


@pytest.mark.parametrize(
    "signature",
    [
        signed(b"{}", OTHER),
        signed(b"{}", pad=padding.PSS(padding.MGF1(SHA256()), 32)),
        signed(b"{}", algorithm=SHA1()),
        " " + signed(b"{}"),
        signed(b"{}") + "\n",
        signed(b"{}").rstrip("="),
        signed(b"{}").replace("=", "").replace("+", "-").replace("/", "_"),
    ],
)
def test_signatures_of_other_kinds_are_none(signature: str) -> None:
    assert not SOURCE.signatures.is_signed(b"{}", signature, PUBLIC)


def passes_on(event: dict[str, Any]) -> bool:
    """Tell whether an event holds nothing but what may leave the source."""
    ids = (event["task_id"], event["app_id"], event["permission_level_id"])
    return (
        event.keys() == {"type", "task_id", "request_type", "app_id", "permission_level_id", "source"}
        and event["type"] in ("test", "action_task.actionable")
        and event["request_type"] in {None, *SOURCE.deliveries.REQUEST_TYPES}
        and all(one is None or ALLOWED.fullmatch(one) for one in ids)
        and (event["task_id"] is None) == (event["type"] == "test")
    )


def parsed(body: bytes) -> list[dict[str, Any]]:
    """Return the events in a body, none if it is refused; anything else that is raised fails the test."""
    try:
        events, _ignored = SOURCE.parse_events(body, 100, 16)
    except SOURCE.deliveries.Malformed as refusal:
        assert str(refusal).isprintable()
        return []
    return list(events)


@given(BODIES)
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b'["' + b"\\" * 99_999)
@example(b"\xef\xbb\xbf[]")
@example(b"9" * 10_000)
@example(b'{"eventType": "test", "eventType": []}')
@MANY
def test_only_ids_and_known_words_come_out_of_a_body(body: bytes) -> None:
    assert all(passes_on(event) for event in parsed(body))


@given(VALUES, VALUES, VALUES, VALUES)
@MANY
def test_the_same_in_every_place_of_an_event(task: Any, kind: Any, app: Any, level: Any) -> None:
    event = actionable(requestType=kind, targetWorkApp=app, permissionLevel={"id": level})
    (one,) = parsed(written(event)) or [None]
    assert one and passes_on(one)
    event["data"]["taskId"] = task
    assert all(passes_on(event) for event in parsed(written(event)))


@given(BODIES, st.text(max_size=60) | st.just("signed"))
@MANY
def test_nothing_unsigned_reaches_the_queue(body: bytes, signature: str) -> None:
    """The whole way but the socket: a verifier with a key, a receiver, an intake, and a queue with room."""
    queue, truly = asyncio.run(_delivered(body, signed(body) if signature == "signed" else signature)), signature
    assert all(passes_on({name: value for name, value in event.items() if name != "received_at"}) for event in queue)
    assert truly == "signed" or not queue


async def _delivered(body: bytes, signature: str) -> list[dict[str, Any]]:
    async def keys() -> Any:
        return PUBLIC

    options = SOURCE.WebhookOptions(public_key="given")
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    verifier = SOURCE.signatures.Verifier(keys, options.key_max_age, options.key_refresh_interval)
    receiver = SOURCE.Receiver(options, verifier, SOURCE.Intake(queue, options))
    try:
        await receiver._deliver(body, [signature])
    except SOURCE.DeliveryRefused as refusal:
        assert refusal.status in (400, 401, 503)
    return [queue.get_nowait() for _number in range(queue.qsize())]


@pytest.mark.parametrize(
    "answer",
    [
        pem(),
        pem(form=serialization.PublicFormat.PKCS1),
        "\r\n" + pem().replace("\n", "\r\n"),
        base64.b64encode(der()).decode(),
        base64.encodebytes(der()).decode(),
        json.dumps(pem()),
        json.dumps({"publicKey": pem()}),
        json.dumps({"data": [{"id": 7, "kind": "RSA", "key": base64.b64encode(der()).decode()}], "links": {}}),
        pem(ec.generate_private_key(ec.SECP256R1())) + pem(),
    ],
)
def test_keys_in_all_likely_forms(answer: str) -> None:
    (key,) = SOURCE.signatures.parse_keys(answer.encode())
    assert key.public_numbers() == KEY.public_key().public_numbers()


def test_several_keys() -> None:
    assert len(SOURCE.signatures.parse_keys((pem() + pem(OTHER)).encode())) == 2
    assert len(SOURCE.signatures.parse_keys(json.dumps({"keys": [pem(), pem(OTHER)]}).encode())) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        pem(ec.generate_private_key(ec.SECP256R1())),
        KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        base64.b64encode(b"a shared secret, as for an HMAC").decode(),
        "<html>" + "x" * 500,
        pem().replace("M", "N"),
        "[" * 60_000,
        "",
    ],
)
def test_weak_and_other_keys_are_refused(answer: str) -> None:
    with pytest.raises(ValueError, match="no usable RSA key of 2048 bits or more"):
        SOURCE.signatures.parse_keys(answer.encode())


@given(st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()))
@MANY
def test_no_other_answer_is_a_key(answer: bytes) -> None:
    with pytest.raises(ValueError, match="no usable RSA key of"):
        SOURCE.signatures.parse_keys(answer)


@given(st.binary(max_size=300) | VALUES.map(lambda value: json.dumps({"data": [value], "links": value}).encode()))
@example(b"[" * 100_000)
@example(b'{"data": [], "links": {"next": 7}}')
@example(b'{"data": [], "links": {"next": "?x=y"}}')
@example(b'{"data": {}, "links": {}}')
@example(b'{"data": [], "links": {"next": "http://[?cursor=x"}}')
@MANY
def test_a_page_is_believed_or_trouble(content: bytes) -> None:
    try:
        rows, cursor = POLLER.parse_page("The tasks", content)
    except POLLER.TemporaryFailure:
        return
    assert isinstance(rows, list)
    assert cursor is None or cursor[0] in ("cursor", "page[cursor]")


@pytest.mark.parametrize(
    "content", ['{"data": {}, "links": {}}', '{"data": [], "links": {"next": "?x=y"}}', '{"data": []}']
)
def test_a_broken_page_is_not_the_end(content: str) -> None:
    with pytest.raises(POLLER.TemporaryFailure):
        POLLER.parse_page("The tasks", content.encode())


@given(st.lists(st.dictionaries(st.sampled_from(("status", "isActionStep", "isAutoprovisioning")), VALUES), max_size=3))
@MANY
def test_doubts_are_printable(rows: list[dict[str, Any]]) -> None:
    _ids, doubts = POLLER.select_actionable([{"id": "A", **row} for row in rows], ["Pending"])
    assert all(doubt.isprintable() and len(doubt) < 200 for doubt in doubts)
