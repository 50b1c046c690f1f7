# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the build program of the role boot_image leaves behind, with a small program in place of diskimage-builder.

The namespaces, mounts and loop devices are real, and need root.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROLE = Path(__file__).resolve().parents[2] / "roles" / "boot_image" / "files"
SIZE = 8 * 1024**2
BUILDER = f"""
import os, pathlib, subprocess, sys, time

def main():
    tmp, output = pathlib.Path(os.environ["TMP_DIR"]), sys.argv[sys.argv.index("-o") + 1]
    print("cache:", os.environ["DIB_IMAGE_CACHE"])
    print("arguments:", *sys.argv[1:])
    print("DIB:", sorted(name for name in os.environ if name.startswith("DIB_")), os.environ.get("SECRET"))
    (tmp / "mnt").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp / "mnt"], check=True)
    with open(tmp / "image0.raw", "wb") as disk:
        disk.truncate({SIZE})
    loop = subprocess.run(["losetup", "--find", "--show", tmp / "image0.raw"], check=True, capture_output=True, text=True).stdout.strip()
    print("attached", loop, flush=True)
    if os.environ["DIB_TEST"] == "fail":
        # As the real one: what it prints goes through another process, which is slower.
        subprocess.Popen(["sh", "-c", "sleep 0.3; echo no space left on device"])
        sys.exit(1)
    if os.environ["DIB_TEST"] == "container":
        (tmp / "Containerfile").write_text("FROM scratch\\nCOPY Containerfile /\\n")
        subprocess.run(["podman", "build", "--tag", "bfv-test-killed", tmp], check=True)
        print("tagged", flush=True)
    if os.environ["DIB_TEST"] in ("stay", "container"):
        time.sleep(300)
    if os.environ["DIB_TEST"] == "random":
        (tmp / "image0.raw").write_bytes(os.urandom({SIZE}))
    subprocess.run(["losetup", "--detach", loop], check=True)
    os.rename(tmp / "image0.raw", output + ".raw")
"""
ELEMENTS = """
class AlreadyProvidedException(Exception): pass
class InvalidElementDir(Exception): pass
class MissingElementException(Exception): pass
class MissingOSException(Exception): pass

def get_elements(names, path):
    if "unknown" in names:
        raise MissingElementException("Element 'unknown' not found")
    return []
"""


def can_confine() -> bool:
    tools = all(map(shutil.which, ("losetup", "qemu-img", "setpriv", "unshare")))
    return (
        tools
        and os.geteuid() == 0
        and not subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode
    )


pytestmark = pytest.mark.skipif(not can_confine(), reason="needs root, namespaces, loop devices and qemu-img")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    library = tmp_path / "lib" / "diskimage_builder"
    library.mkdir(parents=True)
    (library / "__init__.py").touch()
    (library / "disk_image_create.py").write_text(BUILDER)
    (library / "element_dependencies.py").write_text(ELEMENTS)
    (library / "paths.py").write_text("def get_path(name): return '/nowhere'\n")
    metadata = tmp_path / "lib" / "diskimage_builder-3.43.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: diskimage-builder\nVersion: 3.43.0\n")
    yield tmp_path
    # For a test that has failed.
    for device in loops(tmp_path):
        subprocess.run(["losetup", "--detach", device], check=False)


def start(folder: Path, what: str, path: str = os.environ["PATH"], **changes: Any) -> subprocess.Popen[str]:
    plan = {
        "name": "disk",
        "directory": str(folder / "images"),
        "work": str(folder / "images" / ".work"),
        "format": "raw",
        "architecture": "amd64",
        "elements": ["debian-minimal", "vm"],
        "elements_path": [],
        "packages": [],
        # The environment of a build is its own: the plan has to name what the builder needs.
        "environment": {"DIB_TEST": what, "PYTHONPATH": str(folder / "lib")},
        "base": False,
        "size": 0,
        "serial": "",
        "shims": str(ROLE / "shims"),
        "timeout": 60,
        **changes,
    }
    environment = os.environ | {
        "PYTHONPATH": f"{ROLE / 'lib'}:{folder / 'lib'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SECRET": "hunter2",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bfv_image.build"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"DIB_RELEASE": "of the user", "PATH": path},
        # As started from a terminal.
        process_group=0,
    )
    assert process.stdin
    process.stdin.write(json.dumps(plan))
    process.stdin.close()
    process.stdin = None
    return process


def build(folder: Path, what: str = "", **changes: Any) -> dict[str, Any]:
    process = start(folder, what, **changes)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def loops(folder: Path) -> list[str]:
    listed = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"], check=True, capture_output=True, text=True
    )
    return [line.split()[0] for line in listed.stdout.splitlines() if str(folder) in line]


def processes(folder: Path) -> list[bytes]:
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(place.read_bytes())
    return [line for line in lines if bytes(folder) in line]


def nothing_left(folder: Path) -> bool:
    mounts = str(folder) in Path("/proc/self/mountinfo").read_text()
    return not (mounts or loops(folder) or processes(folder) or (folder / "images/.work/build/disk").exists())


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def log(folder: Path) -> str:
    return "".join(path.read_text() for path in (folder / "images").glob("disk-*.log"))


def test_an_image_comes_with_checksum_manifest_and_link(folder: Path) -> None:
    answer = build(folder)
    image = folder / "images" / f"disk-{answer['digest'][:12]}.raw"
    assert answer["changed"] is True
    assert answer["image"] == str(image)
    assert (answer["virtual_size"], answer["min_disk"]) == (SIZE, 1)
    assert Path(answer["link"]).resolve() == image
    assert subprocess.run(["sha256sum", "--check", f"{image.name}.sha256"], cwd=image.parent, check=False).returncode == 0
    assert answer["sha256"] == hashlib.sha256(bytes(SIZE)).hexdigest()
    assert nothing_left(folder)


def test_a_second_run_builds_nothing(folder: Path) -> None:
    first = build(folder)
    before = Path(first["image"]).stat().st_mtime_ns
    second = build(folder)
    assert second == first | {"changed": False}
    assert Path(first["image"]).stat().st_mtime_ns == before


def test_going_back_to_earlier_inputs_moves_the_link_and_builds_nothing(folder: Path) -> None:
    first = build(folder)
    second = build(folder, serial="2")
    before = Path(first["image"]).stat().st_mtime_ns
    assert second["image"] != first["image"]
    assert build(folder)["changed"] is True
    assert Path(first["link"]).resolve() == Path(first["image"])
    assert Path(first["image"]).stat().st_mtime_ns == before


def test_qcow2_is_converted(folder: Path) -> None:
    answer = build(folder, format="qcow2")
    assert Path(answer["image"]).read_bytes().startswith(b"QFI\xfb")
    assert answer["virtual_size"] == SIZE


def test_a_build_gets_nothing_of_the_users_environment(folder: Path) -> None:
    build(folder)
    assert "DIB: ['DIB_IMAGE_CACHE', 'DIB_LOCKFILES', 'DIB_TEST'] None" in log(folder)


def test_what_is_unpacked_of_a_local_image_is_for_one_build(folder: Path) -> None:
    """diskimage-builder would take it for every image of that file name: a Fedora of RHEL's files."""
    local = folder / "image.qcow2"
    local.touch()
    build(folder)
    environment = {"DIB_TEST": "", "PYTHONPATH": str(folder / "lib"), "DIB_LOCAL_IMAGE": str(local)}
    build(folder, name="disk-local", environment=environment)
    caches = [line for line in log(folder).splitlines() if line.startswith("cache:")]
    work = folder / "images/.work"
    assert sorted(caches) == [f"cache: {work}/build/disk-local/cache", f"cache: {work}/cache"]


def test_a_local_image_that_is_not_there_is_named_without_a_traceback(folder: Path) -> None:
    process = start(folder, "", environment={"DIB_LOCAL_IMAGE": "/nowhere/image.qcow2"})
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "/nowhere/image.qcow2" in err
    assert "Traceback" not in err


def test_a_failed_build_leaves_its_log_and_nothing_else(folder: Path) -> None:
    process = start(folder, "fail")
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no space left on device" in err
    assert str(next((folder / "images").glob("disk-*.log"))) in err
    assert "Traceback" not in err
    assert nothing_left(folder)
    assert {path.suffix for path in (folder / "images").iterdir() if path.name != ".work"} == {".log"}


def test_a_failed_build_is_cleared_up_without_the_path_of_root(folder: Path) -> None:
    """losetup is in /usr/sbin, which cron and `su` leave out."""
    process = start(folder, "fail", path="/usr/bin:/bin")
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "disk-image-create ended with status 1" in err
    assert nothing_left(folder)


def test_a_full_disk_is_told_without_a_traceback(folder: Path) -> None:
    images = folder / "images"
    images.mkdir()
    # Room for the disk, and not for the second one that it is converted to.
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE * 3 // 2}", "tmpfs", images], check=True)
    try:
        process = start(folder, "random", format="qcow2")
        _out, err = process.communicate(timeout=60)
        left = {path.suffix for path in images.iterdir() if path.name != ".work"}
    finally:
        subprocess.run(["umount", images], check=True)
    assert process.returncode == 1
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert left == {".log"}
    assert nothing_left(folder)


def test_a_secret_reaches_the_elements_and_nothing_else(folder: Path) -> None:
    built = build(folder, secrets={"SECRET": "it-secret"})
    assert "DIB_TEST'] ********" in log(folder)
    assert [path for path in (folder / "images").glob("disk*.json") if "it-secret" in path.read_text()] == []
    assert build(folder, secrets={"SECRET": "it-another"}) == built | {"changed": False}


@pytest.mark.parametrize("what", ["", "fail"])
def test_field_x6_the_log_of_a_build_is_its_owners_alone_and_has_no_secret(folder: Path, what: str) -> None:
    process = start(folder, what, secrets={"SECRET": "it-secret"})
    process.communicate(timeout=60)
    (path,) = (folder / "images").glob("*.log")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "it-secret" not in path.read_text()


def test_a_secret_in_the_log_of_a_failed_build_is_not_told(folder: Path) -> None:
    process = start(folder, "fail", secrets={"PART": "it-se", "SECRET": "it-secret", "EMPTY": ""})
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "DIB_TEST'] ********\n" in err
    assert "it-secret" not in err


def test_a_work_folder_on_another_file_system_is_refused_before_the_build(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        process = start(folder, "", work=work)
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{work} is not on the file system of {folder / 'images'}" in err
    assert not log(folder)


def test_a_build_that_takes_too_long_is_ended(folder: Path) -> None:
    process = start(folder, "stay", timeout=2)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "boot_image_timeout" in err
    assert nothing_left(folder)


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["program", "group"])
def test_a_killed_build_leaves_nothing(folder: Path, kill: Callable[[int, int], None], deadly: signal.Signals) -> None:
    process = start(folder, "stay")
    wait_for(lambda: "attached" in log(folder))
    assert loops(folder)
    assert processes(folder)
    kill(process.pid, deadly)
    process.communicate(timeout=60)
    assert process.returncode != 0
    wait_for(lambda: nothing_left(folder))
    assert not list((folder / "images").glob("disk*.raw"))
    assert build(folder)["changed"] is True


@pytest.mark.skipif(not shutil.which("podman"), reason="needs podman")
def test_a_killed_build_leaves_no_container_image(folder: Path) -> None:
    """Rocky Linux and AlmaLinux are taken from containers."""
    process = start(folder, "container")
    try:
        wait_for(lambda: "tagged" in log(folder))
        process.kill()
        process.communicate(timeout=60)
        wait_for(lambda: nothing_left(folder))
        listed = subprocess.run(["podman", "images", "--noheading"], check=True, capture_output=True, text=True)
        assert "bfv-test-killed" not in listed.stdout
    finally:
        process.kill()
        subprocess.run(["podman", "rmi", "--ignore", "--force", "bfv-test-killed"], check=False)


def test_a_build_killed_while_it_converts_leaves_nothing(folder: Path) -> None:
    slow = folder / "bin" / "qemu-img"
    slow.parent.mkdir()
    slow.write_text(
        "#!/usr/bin/env python3\nimport pathlib, time\npathlib.Path(__file__ + '.started').touch()\ntime.sleep(120)\n"
    )
    slow.chmod(0o755)
    process = start(folder, "", path=f"{slow.parent}:{os.environ['PATH']}", format="qcow2")
    wait_for(slow.with_suffix(".started").exists)
    assert processes(folder)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: nothing_left(folder))


def test_what_a_power_cut_has_left_is_removed_first(folder: Path) -> None:
    scratch = folder / "images/.work/build/disk/tmp"
    scratch.mkdir(parents=True)
    disk = scratch / "image0.raw"
    disk.write_bytes(bytes(SIZE))
    subprocess.run(["losetup", "--find", disk], check=True)
    assert loops(folder)
    build(folder)
    assert nothing_left(folder)


def test_two_builds_of_one_image_do_not_meet(folder: Path) -> None:
    first = start(folder, "")
    second = start(folder, "")
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
    assert sorted(answer["changed"] for answer in answers) == [False, True]


def test_builds_of_different_images_come_one_after_the_other(folder: Path) -> None:
    """They share the cache of packages, and apt does not share."""
    first = start(folder, "stay", timeout=4)
    wait_for(lambda: "attached" in log(folder))
    second = start(folder, "", name="disk-two")
    time.sleep(2)
    assert first.poll() is None
    assert not list((folder / "images").glob("disk-two*"))
    assert second.communicate(timeout=60)[0]
    assert first.wait() == 1
    assert second.returncode == 0


def test_an_image_that_is_there_waits_for_no_build(folder: Path) -> None:
    built = build(folder)
    other = start(folder, "stay", name="disk-two")
    wait_for(lambda: "attached" in log(folder))
    begun = time.monotonic()
    assert build(folder) == built | {"changed": False}
    assert other.poll() is None, f"waited {time.monotonic() - begun} seconds for the other build"
    other.kill()
    other.communicate()
    wait_for(lambda: nothing_left(folder))


def test_unknown_elements_are_named_without_a_traceback(folder: Path) -> None:
    process = start(folder, "", elements=["unknown"])
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Element 'unknown' not found" in err
    assert "Traceback" not in err
