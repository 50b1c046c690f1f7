# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with several paths to its root disk: what it does in the initramfs, and when it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import image_files
from .image_files import IBFT, OURS, start

pytestmark = pytest.mark.skipif(not image_files.can_overlay(), reason="needs root and overlay file systems")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "files"


def grows_on_map(end: int, status: int = 0) -> dict[str, str]:
    """A map of 4 GiB, of which the root ends at this sector."""
    return {
        "stubs/findmnt": "#!/bin/sh\necho /dev/mapper/3600-part2\n",
        "stubs/readlink": "#!/bin/sh\necho /dev/dm-1\n",
        "sys/class/block/dm-1/dm/uuid": "part2-mpath-3600\n",
        "sys/class/block/dm-1/dm/name": "3600-part2\n",
        "sys/class/block/dm-1/slaves/dm-0/dm/name": "3600\n",
        "sys/class/block/dm-1/slaves/dm-0/size": "8388608\n",
        # It may say that nothing is to be done.
        "stubs/multipathd": "#!/bin/sh\necho multipathd $* >&2\nexit 1\n",
        "stubs/dmsetup": f"#!/bin/sh\n[ $1,$2 = table,3600-part2 ] && echo 0 {end - 133120} linear 254:0 133120\n",
        "stubs/sfdisk": f"#!/bin/sh\necho sfdisk $(cat) $*\nexit {status}\n",
        "stubs/kpartx": "#!/bin/sh\necho kpartx $*\n",
        "stubs/growpart": "#!/bin/sh\necho growpart $*\n",
        "usr/lib/systemd/systemd-growfs": "#!/bin/sh\necho growfs $*\n",
    }


RESIZE = "multipathd resize map 3600\n"
SFDISK = "sfdisk , + --no-reread --no-tell-kernel -N 2 /dev/mapper/3600\n"


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        (4194304, 0, f"{RESIZE}{SFDISK}kpartx -u -p -part /dev/mapper/3600\ngrowfs /\n"),
        (8388608 - 2048, 0, f"{RESIZE}growfs /\n"),
        (8388608, 0, f"{RESIZE}growfs /\n"),
        (4194304, 1, f"{RESIZE}{SFDISK}"),
    ],
    ids=["grown", "the table's own", "nothing to grow", "broken"],
)
def test_the_root_grows_on_its_map(files: Path, end: int, status: int, said: str) -> None:
    code, text, _results = start(files, "bfv-grow-root", grows_on_map(end, status), "")
    assert text == said
    assert (code != 0) == (status != 0)


# The initramfs of a machine with several paths: a map 3600 of two partitions, and something else of device-mapper.
MAP = {
    f"{IBFT}/initiator/initiator-name": OURS,
    "conf/param.conf": "",
    "sys/class/block/dm-1/dm/uuid": "part1-mpath-3600\n",
    "sys/class/block/dm-1/dm/name": "3600-part1\n",
    "sys/class/block/dm-2/dm/uuid": "part2-mpath-3600\n",
    "sys/class/block/dm-2/dm/name": "3600-part2\n",
    "dev/mapper/3600-part1": "",
    "dev/mapper/3600-part2": "",
    "stubs/blkid": "#!/bin/sh\ncase $* in '-s LABEL -o value '*/3600-part2 | *LVM*) echo bfv-1 ;; *) echo config-2 ;; esac\n",
    "stubs/multipath": "#!/bin/sh\necho multipath $*\n",
    "stubs/dmsetup": "#!/bin/sh\n[ ! -e /late ] || mv /late /sys/class/block/dm-2\n",
    "stubs/sleep": "#!/bin/sh\n",
}
FOUND = "ROOT='/dev/mapper/3600-part2'\n"
NOT_FOUND = "ROOT=/dev/mapper/bfv-no-map\n"


@pytest.mark.parametrize(
    ("before", "texts", "parameters"),
    [
        ("", {}, FOUND),
        # The disk came later than the one look of multipath-tools.
        ("mv /sys/class/block/dm-2 /late", {}, FOUND),
        ("rm -r /sys/class/block/dm-*", {}, NOT_FOUND),
        (
            "echo LVM-1 > /sys/class/block/dm-2/dm/uuid; echo LVM-1 > /sys/class/block/dm-2/dm/name; touch /dev/mapper/LVM-1",
            {},
            NOT_FOUND,
        ),
        # udev makes the name.
        ("rm /dev/mapper/3600-part2", {}, NOT_FOUND),
        ("export ROOT=/dev/sda1", {}, ""),
        ("rm -r /sys/firmware/ibft", {}, ""),
    ],
    ids=["there", "late", "none", "of LVM", "no name yet", "asked for", "no iBFT"],
)
def test_the_root_is_on_a_map_or_the_boot_stops(files: Path, before: str, texts: dict[str, str], parameters: str) -> None:
    after = "cp /conf/param.conf /results"
    code, said, results = start(files, "bfv-root-map", MAP | texts, after, f"export ROOT=LABEL=bfv-1; {before}")
    assert code == 0, said
    assert (results / "param.conf").read_text() == parameters
    assert ("no multipath map has a partition labelled bfv-1" in said) == (parameters == NOT_FOUND)


# An array of two portals and two targets. Portals in /dead do not answer, /sessions has the sessions, /names is what each portal tells of.
IQN = "iqn.2010-10.org.example:array.one"
ISCSIADM = r"""#!/bin/sh
echo "$*" >> /results/asked
while [ $# -gt 0 ]; do
  case $1 in
    --mode) mode=$2 ;;
    --portal) portal=$2 ;;
    --targetname) iqn=$2 ;;
    --op) op=$2 ;;
    --login) op=login ;;
  esac
  shift
done
[ $mode != session ] || { cat /sessions; exit; }
if grep -qxF "${portal%,*}" /dead && [ "$op" != new ]; then echo "iscsiadm: no answer" >&2; exit 8; fi
record=/etc/iscsi/nodes/$iqn/$(echo "$portal" | tr -d '[]' | sed 's/:\([0-9]*,[0-9]*\)$/,\1/')
case $mode,$op in
  discovery,*) cat "/names/$portal" ;;
  node,new) mkdir -p "$record"; printf '# BEGIN RECORD\nnode.startup = automatic\n# END RECORD\n' > "$record/default" ;;
  node,login) stat -c '%a %n' "$record/default" >> /results/logins; cat "$record/default" >> /results/logins ;;
esac
"""
NAMED = f"192.0.2.2:3260,1 {IQN}\n192.0.2.3:3260,1 {IQN}\n192.0.2.3:3260,1 {IQN}.other\n[2001:db8::3]:3261,2 {IQN}\n"
PATHS = {
    "stubs/iscsiadm": ISCSIADM,
    f"{IBFT}/initiator/initiator-name": OURS,
    f"{IBFT}/target0/target-name": f"{IQN}\n",
    f"{IBFT}/target0/ip-addr": "192.0.2.2\n",
    f"{IBFT}/target0/port": "3260\n",
    f"{IBFT}/target0/chap-name": "bm-0\n",
    f"{IBFT}/target0/chap-secret": "it-secret$(x)\n",
    "sessions": f"tcp: [1] 192.0.2.2:3260,1 {IQN} (non-flash)\n",
    "dead": "",
    "names/192.0.2.2:3260": NAMED,
}
RECORD = (
    "# BEGIN RECORD\nnode.startup = automatic\n# END RECORD\nnode.startup = manual\nnode.session.initial_login_retry_max = 1\n"
)
CHAP = "node.session.auth.authmethod = CHAP\nnode.session.auth.username = bm-0\nnode.session.auth.password = it-secret$(x)\n"


def paths(files: Path, texts: dict[str, str], after: str = "") -> tuple[str, list[str], str]:
    """What it said, what iscsiadm was asked, and with which records it logged in."""
    code, said, results = start(files, "bfv-paths", PATHS | texts, after, "rm -rf /run/bfv-iscsi-boot /etc/iscsi")
    assert code == 0, said
    logins = results / "logins"
    return said, (results / "asked").read_text().splitlines(), logins.read_text() if logins.exists() else ""


def test_all_portals_of_the_target_get_a_session(files: Path) -> None:
    said, asked, logins = paths(files, {})
    nodes = f"/etc/iscsi/nodes/{IQN}"
    assert logins == "".join(f"600 {nodes}/{name}/default\n{RECORD}{CHAP}" for name in ("192.0.2.3,3260,1", "2001:db8::3,3261,2"))
    assert said == ""
    discovery = "--mode discovery --type sendtargets --op nonpersistent --portal 192.0.2.2:3260"
    assert [line for line in asked if "discovery" in line] == [discovery]
    # Others of the array are none of the machine's, and what everybody could see has no password.
    assert not [line for line in asked if ".other" in line or "secret" in line]


def test_a_target_that_proves_itself_is_asked_to(files: Path) -> None:
    mutual = {f"{IBFT}/target0/rev-chap-name": "array\n", f"{IBFT}/target0/rev-chap-name-secret": "it-too-secret\n"}
    _said, _asked, logins = paths(files, mutual)
    assert logins.count("node.session.auth.username_in = array\nnode.session.auth.password_in = it-too-secret\n") == 2


def test_a_target_without_chap_gets_none(files: Path) -> None:
    _said, _asked, logins = paths(files, {f"{IBFT}/target0/chap-name": "\n", f"{IBFT}/target0/chap-secret": "\n"})
    assert logins.count(RECORD) == 2
    assert "auth" not in logins


def test_a_portal_that_does_not_answer_is_tried_again(files: Path) -> None:
    said, asked, logins = paths(files, {"dead": "192.0.2.3:3260\n"}, ": > /dead; /program")
    assert "no login to 192.0.2.3:3260" in said
    assert logins.count("192.0.2.3,3260,1/default") == 1
    # The array has answered once, and is not asked every minute.
    assert len([line for line in asked if "discovery" in line]) == 1


def test_an_array_that_has_not_answered_is_asked_again(files: Path) -> None:
    said, asked, logins = paths(files, {"dead": "192.0.2.2:3260\n"}, ": > /dead; /program")
    assert "192.0.2.2:3260 does not say which portals there are: iscsiadm: no answer" in said
    assert logins.count("192.0.2.3,3260,1/default") == 1
    assert len([line for line in asked if "discovery" in line]) == 2


def test_portals_of_an_array_that_names_one_alone_come_from_a_file(files: Path) -> None:
    names = {f"names/192.0.2.{number}:3260": f"192.0.2.{number}:3260,1 {IQN}\n" for number in (2, 3)}
    _said, asked, logins = paths(files, names | {"etc/bfv-portals": "# The other controller\n192.0.2.3:3260\n--login\n"})
    found = [line.split()[1] for line in logins.splitlines() if line.startswith("600 ")]
    assert found == [f"/etc/iscsi/nodes/{IQN}/192.0.2.3,3260,1/default"]
    assert [line.split()[-1] for line in asked if "discovery" in line] == ["192.0.2.2:3260", "192.0.2.3:3260"]


def test_sessions_that_are_there_stay(files: Path) -> None:
    sessions = "".join(f"tcp: [{number}] {line} (non-flash)\n" for number, line in enumerate(NAMED.splitlines(), 1))
    _said, asked, logins = paths(files, {"sessions": sessions})
    assert logins == ""
    assert not [line for line in asked if "--mode node" in line]


def login_in_the_initramfs(files: Path, option: str, answers_in: int) -> list[str]:
    """The calls of iscsistart that one of open-iscsi's script becomes. A portal answers in that round."""
    texts = {
        "usr/sbin/iscsistart": '#!/bin/sh\necho "$*" >> /asked\n'
        f"[ $(grep -c . /asked) -lt {answers_in} ] || mkdir -p /sys/class/iscsi_session/session1\n",
        "stubs/sleep": "#!/bin/sh\n",
        "sys/class/iscsi_session/.keep": "",
    }
    _code, said, results = start(
        files, "iscsi.initramfs", texts, "cp /asked /results", f"printf '%s\\n' 'iscsistart {option}' >> /program"
    )
    assert said == ""
    return (results / "asked").read_text().splitlines()


TWICE = "-b -P node.session.initial_login_retry_max=1 -P node.conn[0].timeo.login_timeout=10"


@pytest.mark.parametrize(("answers_in", "calls"), [(1, 1), (3, 3), (99, 30)])
def test_a_dead_portal_keeps_no_machine_from_booting_by_another(files: Path, answers_in: int, calls: int) -> None:
    assert login_in_the_initramfs(files, "-b", answers_in) == [TWICE] * calls


def test_the_initramfs_does_all_else_as_it_did(files: Path) -> None:
    assert login_in_the_initramfs(files, "-N", 1) == ["-N"]
