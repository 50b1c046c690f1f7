# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a module reaches the cloud. Names, aliases and defaults are those of openstack.cloud, so that one set of defaults serves both."""

    DOCUMENTATION = r"""
requirements:
  - netaddr >= 1.0
  - openstacksdk >= 4.0
notes:
  - The C(OS_*) environment variables can be used instead of options.
  - C(clouds.yaml) is looked for in the working directory, in C(~/.config/openstack) and in C(/etc/openstack),
    or is the file that the environment variable E(OS_CLIENT_CONFIG_FILE) names.
options:
  cloud:
    description:
      - The cloud to work with.
      - A string is the name of a cloud in C(clouds.yaml).
      - A dictionary is a whole cloud configuration, with the keys that a cloud has in C(clouds.yaml).
      - Can be left out when O(auth) is given, or when C(OS_*) environment variables describe the cloud.
    type: raw
  volume_cloud:
    description:
      - The cloud to use for everything but Ironic (Block Storage, Image, Compute and Networking) when that is not O(cloud),
        as a name or as a dictionary like O(cloud).
      - Needed where Ironic is reached with system scope, since volumes and images belong to a project.
      - Every module takes it, so that it can be given once for all of them in C(module_defaults).
      - O(auth), O(auth_type) and O(region_name) are for O(cloud) alone.
    type: raw
  auth:
    description:
      - What the authentication plugin O(auth_type) asks for.
      - For passwords these are C(auth_url), C(username), C(password), a scope (C(project_name), or C(system_scope) for Ironic),
        and the names of the domains.
      - The values complete and override those of O(cloud).
    type: dict
  auth_type:
    description:
      - The authentication plugin of keystoneauth, for example V(password) or V(v3applicationcredential).
      - openstacksdk takes V(password) when nothing says otherwise.
    type: str
  region_name:
    description:
      - The region whose endpoints are used.
    type: str
  interface:
    description:
      - The kind of endpoint that is taken from the service catalog.
    type: str
    choices: [admin, internal, public]
    default: public
    aliases: [endpoint_type]
  validate_certs:
    description:
      - Whether the TLS certificates of the services are verified.
      - openstacksdk verifies them when nothing says otherwise.
    type: bool
    aliases: [verify]
  ca_cert:
    description:
      - Path of a file with the CA certificates that sign the services' certificates.
    type: str
    aliases: [cacert]
  client_cert:
    description:
      - Path of a TLS client certificate.
    type: str
    aliases: [cert]
  client_key:
    description:
      - Path of the private key of O(client_cert).
    type: str
    aliases: [key]
  api_timeout:
    description:
      - The longest time, in seconds, that one HTTP request waits for a connection, and for the next piece of an answer.
      - Without it these are 10 and 120 seconds, and 600 for both while an image is uploaded.
    type: int
"""

    # For modules: inventory plugins neither wait nor have a log of their own.
    MODULE = r"""
options:
  wait:
    description:
      - Whether the module returns only when the result is reached.
    type: bool
    default: true
  timeout:
    description:
      - The longest time, in seconds, that the module waits for the result.
      - No request is tried again for longer than that. What changes nothing (reading, and signing in) is tried again up to seven times,
        within a minute and with growing pauses, where the answer is 408, 429, 500, 502, 503, 504, lost, cut or never comes. The service's
        C(Retry-After) counts where it has one.
      - What changes something is not sent again blindly. The module looks what has become of it, plans again, and gives up a request that
        was not answered six times.
    type: int
    default: 180
  sdk_log_path:
    description:
      - Path of a file that openstacksdk writes its log to.
      - Nothing is logged without it. The file is readable by its owner alone, and secrets are masked in it; a link is refused.
    type: str
  sdk_log_level:
    description:
      - How much openstacksdk writes to O(sdk_log_path).
    type: str
    choices: [INFO, DEBUG]
    default: INFO
"""
