# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module in this process as if it were one of its own."""

from __future__ import annotations

import io
import locale
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._engine.cloud import connection
from . import ansible_core

# What openstack.enable_logging() sets up, for the option sdk_log_path.
_LOGGERS = ("openstack", "keystoneauth", "urllib3", "stevedore")


def run(main: Callable[[], None], options: bytes, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a module's ``main`` with these options and variables; gives what its process would have printed, and its exit status."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        ansible_core.options_for_a_module(options),
        _left_as_it_was(),
        connection.closed_after(),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        os.environ.update(environment)
        try:
            main()
        except SystemExit as end:
            code = end.code
        except Exception as error:
            raise AnsibleError("Module failed.") from error  # Ansible's words for a module that ends so
    out, err = stdout.getvalue(), stderr.getvalue()
    return {"rc": code, "stdout": out, "stdout_lines": out.splitlines(), "stderr": err, "stderr_lines": err.splitlines()}


@contextmanager
def _left_as_it_was() -> Iterator[None]:
    """The items of a loop share a worker: none may find what AnsibleModule or the SDK has set up for another."""
    folder, environment, words = os.getcwd(), dict(os.environ), locale.setlocale(locale.LC_ALL)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    try:
        yield
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            for added in [handler for handler in logger.handlers if handler not in handlers]:
                logger.removeHandler(added)
                added.close()
        locale.setlocale(locale.LC_ALL, words)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        os.chdir(folder)
