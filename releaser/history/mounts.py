"""Which kind of file system a path is on: SQLite's locks are not to be trusted across a network."""

from pathlib import Path

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "beegfs"})
# FUSE may be anything; these are known to be local
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuseblk", "fuse.lxcfs"})
_MOUNTS = Path("/proc/self/mountinfo")


def network_kind(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of the network file system that `path` is, or would be, on; None for a local or an unknown one."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None  # no Linux, or no /proc: nobody can tell
    kind = _kind_at(str(path.resolve()), lines)
    if kind in _NETWORK or (kind.startswith("fuse") and kind not in _LOCAL_FUSE):
        return kind
    return None


def _kind_at(path: str, lines: list[str]) -> str:
    best, kind = -1, ""
    for line in lines:
        head, _, tail = line.partition(" - ")
        fields = head.split(" ")
        if len(fields) < 5 or not tail:
            continue
        point = _unescaped(fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # the last of several mounts on one point is what is seen there
        if inside and len(point) >= best:
            best, kind = len(point), tail.split(" ")[0]
    return kind


def _unescaped(point: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, char)
    return point
