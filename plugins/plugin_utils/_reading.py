# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that reads the tenant from the controller's process."""

from __future__ import annotations

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import REQUESTS_IMPORT_ERROR
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import CONNECTION, connection_of
from ansible_collections.cakewalk.access.plugins.plugin_utils._controller import ControllerAction


class ReadingAction(ControllerAction):
    """An action that reads the tenant, and only reads: its client refuses to write.

    C(own_options) tells what it takes beside the options that reach the vendor; C(tell) takes all of them and a tenant.
    """

    def options(self):
        return {**CONNECTION, **self.own_options()}

    def carry_out(self, params):
        if REQUESTS_IMPORT_ERROR:
            raise ConfigurationError("read the tenant", missing_required_lib("requests"), "Install it.")
        client = Client(connection_of(params))
        tenant = Tenant(client, params["known_statuses"])
        told = self.tell(params, tenant)
        return {**told, "warnings": [*tenant.warnings, *client.deprecations]}

    def own_options(self):
        """Return the argument spec of what is not about the connection."""
        raise NotImplementedError

    def tell(self, params, tenant):
        """Do what the options say, and return the result.

        :raises CakewalkError: it cannot be done.
        """
        raise NotImplementedError
