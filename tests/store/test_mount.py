"""Whether locks of a mount are seen by other machines, from lines of mountinfo."""

from __future__ import annotations

from pathlib import Path

import pytest

from ryot.store import mount
from ryot.store.mount import lone, mounts

LINES = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /nfs rw,relatime shared:9 - nfs4 server:/a rw,vers=4.2,local_lock=none,addr=10.0.0.1
41 22 0:36 / /nfs/own rw,relatime - nfs server:/b rw,vers=3,nolock,local_lock=all
42 22 0:37 / /with\\040space rw - cifs //server/c rw,vers=3.1.1
43 22 0:38 / /ssh rw,nosuid - fuse.sshfs host:/d rw
44 22 0:39 / /lustre rw master:2 - lustre 10.0.0.2@tcp:/e rw,localflock
45 22 0:40 / /ceph rw - ceph 10.0.0.3:/ rw
broken
"""


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/data/.ryot", None),
        ("/nfs/team/.ryot", None),
        ("/nfs/own", "nfs is mounted with local_lock=all"),
        ("/nfs/owner", None),
        ("/with space/x", "cifs may not keep locks between machines"),
        ("/ssh/x", "fuse.sshfs may not keep locks between machines"),
        ("/lustre/x/y", "lustre is mounted with localflock"),
        ("/ceph/x", None),
    ],
)
def test_store_on_a_mount_without_shared_locks_is_for_one_machine(
    folder: str, words: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text(LINES)
    monkeypatch.setattr(mount, "_MOUNTS", tmp_path / "mountinfo")
    assert lone(Path(folder)) == words


def test_mounts_of_this_machine_can_be_read() -> None:
    assert "/" in mounts(Path("/proc/self/mountinfo").read_text())
