# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine asks when it boots over the network: DHCP and TFTP of dnsmasq, and HTTP for Ironic's iPXE scripts."""

from __future__ import annotations

import http.client
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .machine import Model
from .network import BRIDGE, HOST
from .processes import Process

# The port of Ironic's http_url in the role sandbox, which leaves the serving to others.
HTTP_PORT = 6386
# iPXE for a UEFI that has no iPXE in the ROM of its card. The ROM of QEMU's cards is iPXE for a BIOS.
IPXE = Path("/usr/lib/ipxe/snponly.efi")


@contextmanager
def running(http_root: Path, models: Iterable[Model], folder: Path, logs: Path) -> Iterator[None]:
    """Both servers, as long as the `with` block runs."""
    web = ThreadingHTTPServer((HOST, HTTP_PORT), partial(_Files, directory=str(http_root), log=logs / "http.log"))
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    tftp_root = folder / "tftp"
    tftp_root.mkdir()
    shutil.copy(IPXE, tftp_root)
    dnsmasq = Process(_dnsmasq(tftp_root, folder, models), logs / "dnsmasq.log")
    try:
        yield
        assert dnsmasq.runs, f"dnsmasq has ended: {logs / 'dnsmasq.log'}"
    finally:
        dnsmasq.end()
        web.shutdown()
        thread.join()
        web.server_close()


def _dnsmasq(tftp_root: Path, folder: Path, models: Iterable[Model]) -> list[str]:
    return [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--user=root",  # it reads below the checkout
        "--no-resolv",  # it knows the machines, and asks nobody about others
        f"--interface={BRIDGE}",
        "--bind-interfaces",
        f"--listen-address={HOST}",
        f"--dhcp-range={HOST},static",
        *(f"--dhcp-host={model.mac},{model.address},{model.name}" for model in models),
        f"--dhcp-leasefile={folder / 'dnsmasq.leases'}",
        "--enable-tftp",
        f"--tftp-root={tftp_root}",
        # iPXE asks for its script, a UEFI without it for iPXE.
        "--dhcp-match=set:ipxe,175",
        f"--dhcp-boot=tag:ipxe,http://{HOST}:{HTTP_PORT}/boot.ipxe",
        f"--dhcp-boot=tag:!ipxe,{IPXE.name}",
        "--log-dhcp",
        "--log-facility=-",
    ]


class _Files(SimpleHTTPRequestHandler):
    """Files, and a log of who asked for them."""

    def __init__(self, *args: object, directory: str, log: Path) -> None:
        self._log = log
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{self.log_date_time_string()} {self.address_string()} {format % args}\n")


def answers(url: str) -> bool:
    """Whether somebody answers there."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, http.client.HTTPException):
        return False
