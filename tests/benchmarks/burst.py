# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A burst of signed webhooks at the event source, in a process of its own, with an engine that is slower behind it.

Started with options as JSON, this file is that process: at the end of its input it prints what the engine took.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import requests
from events.deliveries import actionable, written
from events.sources import free_port, load, until
from sandbox.deliveries import sign
from sandbox.keys import SigningKey

from benchmarks.measured import goal, keep
from benchmarks.memory import peak_memory

NUMBER, SENDERS = 1000, 50
#: What the engine takes for one event, in seconds: no more than 200 a second, so that events must wait.
_ENGINE = 0.005
_PATIENCE = 60
_PACKAGE_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Burst:
    """What came of a burst.

    :param answers: how many deliveries were answered with which status.
    :param lost: tasks that were answered with 200 and that the engine did not take.
    :param repeated: tasks that the engine took more than once.
    :param unasked: tasks that the engine took though they were refused.
    :param seconds: from the first delivery to the last answer.
    :param answer: the median time to an answer in seconds; C(answer_95) that of 95 %.
    :param peak_memory: of the source, in bytes.
    """

    answers: Mapping[int, int]
    lost: list[str]
    repeated: list[str]
    unasked: list[str]
    seconds: float
    answer: float
    answer_95: float
    peak_memory: int


def burst(**options: Any) -> Burst:
    """Send the deliveries, many at a time, each once, and return what came of them.

    :param options: of the source.
    """
    key, port = SigningKey(), free_port()
    tasks = [str(uuid4()) for _number in range(NUMBER)]
    bodies = {task: written(actionable(task)) for task in tasks}
    signatures = {task: sign(body, key) for task, body in bodies.items()}
    given = {"port": port, "public_key": key.public_pem, **options}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.burst", json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_PACKAGE_ROOT)},
    ) as source:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(f"{url}/healthz"), _PATIENCE)

        def post(task: str) -> tuple[int, float]:
            start = time.perf_counter()
            with requests.Session() as session:
                session.trust_env = False
                headers = {"X-SIGNATURE": signatures[task]}
                answer = session.post(f"{url}/webhook", bodies[task], headers=headers, timeout=_PATIENCE)
            return answer.status_code, time.perf_counter() - start

        start = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as pool:
            answers = dict(zip(tasks, pool.map(post, tasks), strict=True))
        seconds = time.perf_counter() - start
        result = json.loads(source.communicate("", timeout=_PATIENCE)[0])
    taken = Counter(result["taken"])
    accepted = {task for task, (status, _time) in answers.items() if status == 200}
    times = [time for _status, time in answers.values()]
    return Burst(
        dict(Counter(status for status, _time in answers.values())),
        sorted(accepted - taken.keys()),
        sorted(task for task, count in taken.items() if count > 1),
        sorted(taken.keys() - accepted),
        seconds,
        median(times),
        quantiles(times, n=20)[-1],
        result["peak_memory"],
    )


def main() -> int:
    """Print what came of a burst, write it into the folder that is given, and tell whether all went well."""
    came = burst(max_events_per_minute=NUMBER)
    accepted, refused = (came.answers.get(status, 0) for status in (200, 503))
    print(f"\n{NUMBER} webhooks, {SENDERS} at a time, an engine that takes {1 / _ENGINE:.0f} events a second:")
    print(f"  {accepted} taken, {refused} refused with 503, {NUMBER - accepted - refused} without either")
    print(f"  {len(came.lost)} lost after a 200, {len(came.repeated)} taken twice, {len(came.unasked)} though refused")
    print(
        f"  {NUMBER / came.seconds:.0f} answers a second, half of them within {came.answer * 1000:.0f} ms, 95 % within"
    )
    print(f"  {came.answer_95 * 1000:.0f} ms; the source took {came.peak_memory / 2**20:.0f} MiB at most")
    keep("burst", asdict(came))
    wrong = len(came.lost) + len(came.repeated) + len(came.unasked) + NUMBER - accepted - refused
    return int(not goal("nothing goes wrong", not wrong, f"{wrong}"))


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=_PATIENCE).ok
    except requests.ConnectionError:
        return False


async def _source(options: dict[str, Any]) -> None:
    """Run the source and an engine behind it until the input ends, and print what the engine took."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
    taken: list[str] = []

    async def engine() -> None:
        while True:
            taken.append((await queue.get())["task_id"])
            await asyncio.sleep(_ENGINE)

    running = [asyncio.create_task(load("webhook")["main"](queue, options)), asyncio.create_task(engine())]
    await asyncio.to_thread(sys.stdin.read)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    taken += [queue.get_nowait()["task_id"] for _left in range(queue.qsize())]
    print(json.dumps({"taken": taken, "peak_memory": peak_memory()}))


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("{"):
        asyncio.run(_source(json.loads(sys.argv[1])))
    else:
        sys.exit(main())
