# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import image
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.image import Image
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.programs import Deadline, TooLate
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused

CONTENT = b"an image" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "image-1.raw"
    path.write_bytes(CONTENT)
    (tmp_path / "image.raw").symlink_to(path.name)
    return path


def digest(path: Path, seconds: float = 60) -> str:
    return image.digest(Image(str(path), "raw", len(CONTENT)), Deadline(seconds))


@pytest.mark.parametrize("text", [DIGEST, f"{DIGEST}  image-1.raw\n", f"{DIGEST.upper()} *image-1.raw\n"])
def test_an_image_that_is_as_its_file_says_is_taken(file: Path, text: str) -> None:
    file.with_name("image-1.raw.sha256").write_text(text)
    assert digest(file) == DIGEST


def test_without_such_a_file_it_is_taken(file: Path) -> None:
    assert digest(file) == DIGEST


@pytest.mark.parametrize("text", [f"{'0' * 64}  image-1.raw", "", "see elsewhere"])
def test_an_image_that_is_not_is_refused(file: Path, text: str) -> None:
    file.with_name("image-1.raw.sha256").write_text(text)
    with pytest.raises(Refused, match=r"SHA-256.*Nothing was written"):
        digest(file)


def test_a_link_is_compared_with_the_file_beside_its_image(file: Path) -> None:
    file.with_name("image-1.raw.sha256").write_text("0" * 64)
    with pytest.raises(Refused, match="SHA-256"):
        digest(file.with_name("image.raw"))


def test_a_time_out_is_told(file: Path) -> None:
    with pytest.raises(TooLate, match="Raise timeout"):
        digest(file, seconds=0)
