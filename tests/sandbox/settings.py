# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sandbox can be told: sizes, pace and dialect."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .dialect import Dialect, questions

#: Settings that shape the company; they need a reset, the others can change while it runs.
SHAPE = frozenset({"seed", "users", "groups", "apps"})

#: Least and most; whole numbers where the bounds are.
_BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**32),
    "users": (1, 100_000),
    "groups": (0, 2_000),
    "apps": (0, 2_000),
    "page_size": (1, 1_000),
    "rate_limit": (0, 10_000_000),
    "rate_window": (0.01, 3_600.0),
    "latency": (0.0, 60.0),
    "clock_ahead": (-1e9, 1e9),
}


@dataclass(frozen=True)
class Settings:
    """All settings; the defaults are the vendor's figures where there are any.

    :param seed: one seed, one company, down to every id.
    :param users: people in the directory, up to 100,000.
    :param groups: groups, up to 2,000.
    :param apps: apps, up to 2,000.
    :param page_size: rows on a page (100 by the vendor's sample cursor).
    :param rate_limit: requests allowed in a window (1,000 a minute by the rate-limit page); 0 for no limit.
    :param rate_window: seconds of that window, so that tests can compress time.
    :param latency: seconds that every answer takes longer.
    :param clock_ahead: seconds by which the clock of the service is ahead of that of this machine: the C(Date) of every
        answer, and the times in what it writes down from then on.
    :param dialect: the answers to what the documentation leaves open.
    """

    seed: int = 1
    users: int = 200
    groups: int = 25
    apps: int = 60
    page_size: int = 100
    rate_limit: int = 1_000
    rate_window: float = 60.0
    latency: float = 0.0
    clock_ahead: float = 0.0
    dialect: Dialect = field(default_factory=Dialect)

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int if isinstance(low, int) else (int, float)):
                raise ValueError(f"{name} must be a number, not {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}, not {value}")

    def changed(self, **changes: Any) -> Settings:
        """Return these settings with some replaced; dialect fields stand beside the others.

        :raises ValueError: for an unknown name or a value that is not allowed.
        """
        own = {entry.name for entry in fields(self)} - {"dialect"}
        spoken = set(questions())
        if unknown := sorted(set(changes) - own - spoken):
            raise ValueError(f"unknown settings: {', '.join(unknown)}; known are {', '.join(sorted(own | spoken))}")
        return replace(
            self,
            dialect=replace(self.dialect, **{name: str(changes[name]) for name in changes if name in spoken}),
            **{name: changes[name] for name in changes if name in own},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as one flat mapping, the way :meth:`changed` takes them."""
        flat = asdict(self)
        return {**flat, **flat.pop("dialect")}
