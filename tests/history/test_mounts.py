"""Which file systems are a network."""

from pathlib import Path

import pytest

from releaser.history.mounts import network_kind

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
30 27 0:30 / /mnt/nfs rw - nfs4 server:/export rw,vers=4.2
31 27 0:31 / /mnt/nfs/local rw - xfs /dev/vdb rw
32 27 0:32 / /mnt/share rw - cifs //server/share rw
33 27 0:33 / /mnt/wsl rw - 9p drvfs rw
34 27 0:34 / /mnt/ssh rw - fuse.sshfs me@there: rw
35 27 0:35 / /mnt/over rw - fuse.fuse-overlayfs fuse-overlayfs rw
36 27 0:36 / /mnt/usb rw - fuseblk /dev/sdb1 rw
37 27 0:37 / /mnt/with\040space\134x rw - nfs server:/x rw
38 27 0:38 / /mnt/twice rw - nfs server:/x rw
39 27 0:39 / /mnt/twice rw - ext4 /dev/vdc rw
40 27 0:40 / /mnt/plainfuse rw - fuse something rw
broken line
""".lstrip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ada/shop/.release/history.db", None),
        ("/mnt/nfs/shop/history.db", "nfs4"),
        ("/mnt/nfs", "nfs4"),
        ("/mnt/nfs2/history.db", None),
        ("/mnt/nfs/local/history.db", None),
        ("/mnt/share/h.db", "cifs"),
        ("/mnt/wsl/h.db", "9p"),
        ("/mnt/ssh/h.db", "fuse.sshfs"),
        ("/mnt/over/h.db", None),
        ("/mnt/usb/h.db", None),
        (r"/mnt/with space\x/h.db", "nfs"),
        ("/mnt/twice/h.db", None),
        ("/mnt/plainfuse/h.db", "fuse"),
    ],
)
def test_kinds(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_kind(Path(path), mounts) == kind


def test_a_link_is_followed(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    link = tmp_path / "link"
    link.symlink_to("/mnt/nfs")
    assert network_kind(link / "history.db", mounts) == "nfs4"


def test_without_the_list_nobody_can_tell(tmp_path: Path) -> None:
    assert network_kind(tmp_path, tmp_path / "none") is None
