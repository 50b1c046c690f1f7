# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the image of a plan, unless it is there.

python -m bfv_image.build < PLAN

The build has namespaces of its own for mounts and processes, and one folder. Whatever happens to it, its mounts and processes
end with it, and cleanup.py removes the rest. The image appears under its name when it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bfv_image import cleanup, elements, inputs
from bfv_image.plan import Plan, Version, read

GIB = 1024**3
# What a build takes over from the environment of the role, and nothing else: it must depend on its plan alone.
INHERITED = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
END_WITH_ME = ("setpriv", "--pdeathsig", "KILL")
# The kernel ends all processes with the one that runs this program, and all mounts with the processes.
CONFINED = (
    *END_WITH_ME,
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
    # The first process of the namespace takes all others with it when it ends: leave time for the last lines of the log.
    *("sh", "-c", '"$@"; status=$?; sleep 1; exit $status', "sh"),
)
DISK_IMAGE_CREATE = "import sys; sys.argv[0] = 'disk-image-create'; from diskimage_builder.disk_image_create import main; main()"
LAST_LINES = 20
# podman's images and containers of a build are in its folder, and go with it: nobody would remove those of a build that was killed.
CONTAINERS = """[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""


class BuildError(Exception):
    """The build failed; the text says why, and where its log is."""


def build_path(plan: Plan) -> str:
    """Return the PATH of the build. Its shims and the Python that has diskimage-builder come first."""
    return ":".join(filter(None, (plan.shims, str(Path(sys.executable).parent), SYSTEM_PATH)))


def environment(plan: Plan) -> dict[str, str]:
    # diskimage-builder unpacks a local image once for all images of that file name, whichever families and folders they are of.
    cache = (plan.scratch if "DIB_LOCAL_IMAGE" in plan.environment else plan.work) / "cache"
    return {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "PATH": build_path(plan),
        "HOME": str(plan.scratch / "home"),
        "USER": "root",
        "TMPDIR": str(plan.scratch / "tmp"),
        "TMP_DIR": str(plan.scratch / "tmp"),
        "ELEMENTS_PATH": ":".join(map(str, plan.elements_path)),
        "CONTAINERS_STORAGE_CONF": str(plan.scratch / "containers/storage.conf"),
        "DIB_IMAGE_CACHE": str(cache),
        "DIB_LOCKFILES": str(cache / "locks"),
        **plan.environment,
        **plan.secrets,
    }


def arguments(plan: Plan, version: Version, output: Path) -> list[str]:
    """Return the arguments of disk-image-create. A tmpfs would hide the loop devices' files from cleanup.py."""
    return [
        *("-a", plan.architecture, "-t", "raw", "-o", str(output), "--no-tmpfs", "--root-label", version.root_label),
        *([] if plan.base else ["-n"]),
        *(["--image-size", str(plan.size)] if plan.size else []),
        *(["-p", ",".join(plan.packages)] if plan.packages else []),
        *plan.elements,
    ]


@contextlib.contextmanager
def alone(plan: Plan) -> Iterator[int]:
    """Hold the lock of the work folder: builds share the cache of packages there, and apt refuses to be the second one in it.

    cleanup.py inherits the lock, so that the next build begins after it has finished.
    """
    plan.scratch.parent.mkdir(parents=True, exist_ok=True)
    if plan.work.stat().st_dev != plan.directory.stat().st_dev:
        raise BuildError(f"{plan.work} is not on the file system of {plan.directory}: the image could not be moved there.")
    with open(plan.work / "build.lock", "w") as lock:
        for _second in range(plan.timeout):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(1)
        else:
            raise BuildError(
                f"Another run has been building in {plan.work} for {plan.timeout} seconds. Find out what it waits for."
            )
        yield lock.fileno()


@contextlib.contextmanager
def cleaned_up(plan: Plan, lock: int) -> Iterator[None]:
    """Make the folders of the build, and have them removed when it ends, or when this process does."""
    # What a power cut has left.
    cleanup.clean(plan.scratch, build_path(plan))
    for folder in ("home", "tmp", "containers"):
        (plan.scratch / folder).mkdir(parents=True)
    containers = plan.scratch / "containers"
    (containers / "storage.conf").write_text(CONTAINERS.format(folder=containers))
    command = [sys.executable, "-m", "bfv_image.cleanup", str(plan.scratch), build_path(plan)]
    # In a session of its own, Ctrl-C does not reach it.
    cleaner = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[lock], start_new_session=True)
    try:
        yield
    finally:
        cleaner.communicate()
    if cleaner.returncode:
        raise BuildError(f"The build of {plan.name} could not be cleaned up.")


def mask(plan: Plan, log: Path) -> None:
    """Take the secrets out of the log."""
    text = log.read_text(errors="surrogateescape")
    # The longest first: one may be a part of another.
    for secret in sorted(filter(None, plan.secrets.values()), key=len, reverse=True):
        text = text.replace(secret, "********")
    log.write_text(text, errors="surrogateescape")


def last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])


def run_disk_image_create(plan: Plan, version: Version, output: Path) -> None:
    log = version.log
    command = [*CONFINED, sys.executable, "-c", DISK_IMAGE_CREATE, *arguments(plan, version, output)]
    # A hook may trace its commands into it, with the secrets that they get: nobody else reads it.
    with open(log, "w", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW, 0o600)) as lines:
        os.fchmod(lines.fileno(), 0o600)  # it may be there, of an earlier try
        process = subprocess.Popen(
            command, cwd=plan.scratch, env=environment(plan), stdin=subprocess.DEVNULL, stdout=lines, stderr=subprocess.STDOUT
        )
        try:
            status: int | None = process.wait(plan.timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            # Which ends all others.
            process.kill()
            process.wait()
            mask(plan, log)
    if status is None:
        raise BuildError(
            f"The build of {plan.name} was ended after {plan.timeout} seconds. Raise boot_image_timeout. The last lines of {log}:\n{last_lines(log)}"
        )
    if status:
        raise BuildError(f"disk-image-create ended with status {status}. The last lines of {log}:\n{last_lines(log)}")


def convert(plan: Plan, raw: Path) -> Path:
    if plan.format == "raw":
        return raw
    converted = raw.with_suffix(f".{plan.format}")
    command = ["qemu-img", "convert", "-c", "-f", "raw", "-O", plan.format, str(raw), str(converted)]
    # It ends with this program, and does not go on with files that cleanup.py has removed.
    subprocess.run([*END_WITH_ME, *command], check=True)
    return converted


def virtual_size(image: Path) -> int:
    """Return the size of the disk in bytes, which is more than that of its file."""
    command = ["qemu-img", "info", "--output=json", str(image)]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["virtual-size"])


def publish(path: Path, text: str) -> None:
    """Write a file by rename: whoever reads it sees all of it, or the one before."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


def point_to(version: Version) -> None:
    new = version.link.with_name(f".{version.link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(version.image.name)
    new.replace(version.link)


def finish(plan: Plan, version: Version, wanted: dict[str, Any], raw: Path) -> None:
    """Convert, describe and publish a disk. The image comes last: if it is there, so is all that belongs to it."""
    image = convert(plan, raw)
    size = virtual_size(image)
    manifest = {
        "name": plan.name,
        "digest": version.digest,
        "image": str(version.image),
        "link": str(version.link),
        "format": plan.format,
        "sha256": inputs.checksum(image),
        "size": image.stat().st_size,
        "virtual_size": size,
        "min_disk": math.ceil(size / GIB),
        "log": str(version.log),
        "inputs": wanted,
    }
    publish(version.checksum, f"{manifest['sha256']}  {version.image.name}\n")
    publish(version.manifest, json.dumps(manifest, indent=2) + "\n")
    with image.open("rb") as disk:
        os.fsync(disk.fileno())
    image.replace(version.image)


def build(plan: Plan) -> tuple[bool, dict[str, Any]]:
    """Return whether the image was built now, and its manifest."""
    plan.directory.mkdir(parents=True, exist_ok=True)
    wanted = inputs.find_inputs(plan, elements.version(), elements.find(plan))
    version = plan.version(inputs.digest_of(wanted))
    if version.obstacle:
        raise BuildError(f"{version.obstacle}. Nothing was built. Choose another boot_image_name or boot_image_dir.")
    built = False
    if not version.image.exists():
        with alone(plan) as lock:
            # Another run may have built it while this one waited.
            built = not version.image.exists()
            if built:
                with cleaned_up(plan, lock):
                    run_disk_image_create(plan, version, plan.scratch / "image")
                    finish(plan, version, wanted, plan.scratch / "image.raw")
    manifest = json.loads(version.manifest.read_text())
    moved = version.link.resolve() != version.image.resolve()
    if moved:
        point_to(version)
    return built or moved, manifest


def main() -> None:
    # Files of the build are readable for all, whatever the umask of the one who starts it.
    os.umask(0o022)
    # Ctrl-C ends this program as any other signal does, and cleanup.py does the rest.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        changed, manifest = build(read())
    # OSError: a disk that is full, a folder that is read-only. CalledProcessError: qemu-img, which has said why.
    except (BuildError, elements.ElementsError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"Failed: {error}")
    print(json.dumps({"changed": changed, **{key: manifest[key] for key in manifest if key != "inputs"}}))


if __name__ == "__main__":
    main()
