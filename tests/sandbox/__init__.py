# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stateful stand-in for the Cakewalk Open API on 127.0.0.1, driven by the contract in C(openapi.yaml).

Routes, request validation and response validation come from the contract (Connexion), the domain rules from the
vendor's documentation. What that leaves open is a dialect (C(dialect.py)); what can go wrong is a fault (C(faults.py)).

    PYTHONPATH=tests python -m sandbox            # prints the CAKEWALK_* variables, runs until it is ended

Tests start one with :class:`sandbox.process.Sandbox`.
"""

from __future__ import annotations
