# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command, and write down its time, its processor time and its memory, with all processes that it starts.

    python launch.py RESULT COMMAND...

A program of its own, and a small one: Linux counts the memory of the process that starts a command as the command's own.
"""

import json
import os
import sys
import time

started = time.monotonic()
child = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_pid, status, used = os.wait4(child, 0)
seconds = time.monotonic() - started
measured = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mebibytes": used.ru_maxrss / 1024}
with open(sys.argv[1], "w", encoding="utf-8") as result:
    json.dump(measured, result)
sys.exit(os.waitstatus_to_exitcode(status))
