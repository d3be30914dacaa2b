# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of lookups: the options, errors and warnings of modules, as lookups have them."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from ansible.errors import AnsibleError, AnsibleLookupError, AnsibleOptionsError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.lookup import LookupBase

from ..module_utils._api.catalog import ResourceType
from ..module_utils._api.client import Client
from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import redact
from ..module_utils._api.transport import REQUESTS_IMPORT_ERROR
from ..module_utils._engine.core.lookup import Resolver, Row
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module import results
from ..module_utils._module.arguments import CONNECTION, Options, connection_of
from ..module_utils._module.entry import error_result, without_surrogates
from ._given_options import given, of_variables

TERMS: Options = {"_terms": {"type": "list", "elements": "str", "required": True}}
#: The option of lookups that return one thing for each term.
RETURNS: Options = {"returns": {"type": "str", "choices": ["id", "record"], "default": "id"}}
#: What Ansible passes to lookups besides the options.
_OF_ANSIBLE = ("wantlist",)


class TenantLookup(LookupBase):
    """A lookup that reads the tenant."""

    #: The options besides terms and connection.
    own_options: ClassVar[Options] = {}

    @abstractmethod
    def find(self, params: Mapping[str, Any], tenant: Tenant) -> list[Any]:
        """Return what the terms in C(params) mean.

        :raises CakewalkError: a term means nothing, or more than one thing, or the tenant cannot be read.
        """

    def run(self, terms: Iterable[Any], variables: Any = None, **kwargs: Any) -> list[Any]:
        if REQUESTS_IMPORT_ERROR:
            raise AnsibleLookupError(missing_required_lib("requests"))
        secrets = self._secrets(kwargs)
        try:
            params = self._params(terms, kwargs)
            client = Client(connection_of(params))
            tenant = Tenant(client, params["known_statuses"])
            try:
                found = {"found": self.find(params, tenant)}
            finally:
                for warning in [*tenant.warnings, *client.deprecations]:
                    self._display.warning(client.scrubbed(warning))
            rows: list[Any] = redact(without_surrogates(found, client)["found"], secrets)
            return rows
        except Exception as error:
            is_of_ansible = isinstance(error, AnsibleError)
            result = {"msg": str(error)} if is_of_ansible else error_result(error, {"changed": False})
            self._display.vvv(redact(result.get("exception", ""), secrets))
            is_of_options = isinstance(error, (ConfigurationError, AnsibleOptionsError))
            kind = AnsibleOptionsError if is_of_options else AnsibleLookupError
            refusal = kind(redact(result["msg"], secrets))
        # Without its cause and context, which Ansible would show as they are.
        raise refusal

    def _secrets(self, kwargs: Mapping[str, Any]) -> list[str]:
        """Return key and secret, wherever they are given, before errors about other options can quote them."""
        secrets = []
        for name in ("api_key", "api_secret"):
            values = [kwargs.get(name), os.environ.get(f"CAKEWALK_{name.upper()}")]
            # A variable that cannot be read is an error about options, without its text.
            with suppress(Exception):
                values += of_variables({name: CONNECTION[name]}, self._templar).values()
            secrets += [str(value).strip() for value in values if value is not None]
        return [secret for secret in secrets if secret]

    def _params(self, terms: Iterable[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options: keyword arguments, then variables, then the environment."""
        spec = {**TERMS, **self.own_options, **CONNECTION}
        named = {name: value for name, value in kwargs.items() if name not in _OF_ANSIBLE}
        options = given({"_terms": self._flatten(terms), **named}, spec)  # type: ignore[no-untyped-call] # of Ansible
        rest = {name: option for name, option in spec.items() if name not in options}
        validated = ArgumentSpecValidator(spec).validate({**options, **of_variables(rest, self._templar)})
        unsupported = [error for error in validated.errors if isinstance(error, UnsupportedError)]
        # An option that is misspelt is also missing.
        for error in unsupported or validated.errors:
            what = "unsupported options: " if unsupported else ""
            raise AnsibleOptionsError(f"Could not use the options of the lookup: {what}{error.msg}")
        params: dict[str, Any] = validated.validated_parameters
        return params


def rows_of(kind: ResourceType, references: list[str], tenant: Tenant) -> list[Row]:
    """Return the row that each reference means, in their order.

    :raises LookupFailed: references mean nothing, or more than one row.
    """
    index, resolver = tenant.index(kind, references), Resolver()
    rows = [resolver.find(reference, index) for reference in references]
    resolver.check()
    return [row for row in rows if row is not None]


def ids_or_records(kind: ResourceType, params: Mapping[str, Any], tenant: Tenant) -> list[Any]:
    """Return the id or the record of each term, see C(RETURNS)."""
    rows = rows_of(kind, params["_terms"], tenant)
    return [row["id"] if params["returns"] == "id" else results.row(row) for row in rows]
