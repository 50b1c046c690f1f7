# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project of a test's own, for what a quota has to be known for: that of the sandbox's project is everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import openstack
from openstack.connection import Connection

from .lab import PROJECT, SYSTEM, Json, Lab
from .test_bad_input import configuration


@dataclass(frozen=True)
class Project:
    """A project, and its cloud as a dict."""

    id: str
    cloud: Json


@contextmanager
def project(lab: Lab) -> Iterator[Project]:
    """A new project of the sandbox's user."""
    keystone = openstack.connect(cloud=SYSTEM).identity
    made = keystone.create_project(name=lab.name("project"), domain_id="default")
    user = openstack.connect(cloud=PROJECT).current_user_id
    keystone.assign_project_role_to_user(made, user, keystone.find_role("member", ignore_missing=False))
    try:
        yield Project(made.id, configuration(PROJECT, auth={"project_name": made.name}))
    finally:
        lab.cinder_admin("DELETE", f"/os-quota-sets/{made.id}")  # the defaults again
        keystone.delete_project(made)


def limit(lab: Lab, project: Project, **quota: int) -> None:
    """Give the project another quota in Cinder."""
    lab.cinder_admin("PUT", f"/os-quota-sets/{project.id}", {"quota_set": quota})


class ProjectLab(Lab):
    """A lab whose volumes and images are in a project of its own."""

    def __init__(self, prefix: str, project: Project) -> None:
        super().__init__(prefix)
        self.project = project

    @cached_property
    def _project(self) -> Connection:
        return openstack.connect(**self.project.cloud)
