# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations


class ModuleDocFragment:
    """How a module reaches the cloud. Names, aliases and defaults are those of openstack.cloud, so that one set of defaults serves both."""

    DOCUMENTATION = r"""
requirements:
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
      - The longest time, in seconds, that one HTTP request waits for an answer.
      - Without it the socket layer's own limit holds.
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
    type: int
    default: 180
  sdk_log_path:
    description:
      - Path of a file that openstacksdk writes its log to.
      - Nothing is logged without it.
    type: str
  sdk_log_level:
    description:
      - How much openstacksdk writes to O(sdk_log_path).
    type: str
    choices: [INFO, DEBUG]
    default: INFO
"""

    # For modules that also talk to Cinder or Glance.
    VOLUME_CLOUD = r"""
options:
  volume_cloud:
    description:
      - The cloud to use for Block Storage and Image when it is not O(cloud), as a name or as a dictionary like O(cloud).
      - Needed where Ironic is reached with system scope, since volumes and images belong to a project.
      - O(auth), O(auth_type) and O(region_name) are for O(cloud) alone.
    type: raw
"""
