"""Texts of one service that Docker would refuse, most of them only when the container starts."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

from releaser.engines.moby import words as api
from releaser.engines.moby.limits import Wrong
from releaser.model.value import Json, JsonMap, Path
from releaser.planning.wording import nearest

LONGEST_HOSTNAME = 64
"""Characters of a host name in Linux."""

CAPABILITIES = frozenset(
    """
    ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH
    FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE
    NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE
    SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
    """.split()  # noqa: SIM905 - a table of words
)
ULIMITS = frozenset(
    "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()  # noqa: SIM905
)
PROPAGATIONS = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})

_SIGNALS = frozenset(
    """
    ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT RTMAX RTMIN SEGV STKFLT STOP SYS
    TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ
    """.split()  # noqa: SIM905 - a table of words
)
_REAL_TIME = re.compile(r"RT(MIN\+|MAX-)([1-9]|1[0-5])\Z")
_EXPOSED = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?\Z")
_OWN_SYSCTL = re.compile(r"(net\.|fs\.mqueue\.|kernel\.(shm|msg|sem))")
_NAMESPACES = re.compile(r"(host|(service|container):.+)\Z")
_IPC = re.compile(r"(host|private|shareable|none|(service|container):.+)\Z")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?\Z")
_TMPFS_OPTION = re.compile(
    r"(r?w|ro|(no)?(exec|suid|dev|atime|diratime)|(no)?relatime|strictatime|r?(shared|slave|private|unbindable)"
    r"|(a?sync|dirsync|defaults|remount|(no)?mand|r?bind)|(size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=.+)\Z"
)


def malformed(words: JsonMap) -> Iterator[Wrong]:
    """What is not of a form that Docker takes; paths are within the service."""
    for word in ("command", "entrypoint"):
        yield from _command(word, words.get(word))
    for path, value, (fits, message, hint) in _texts(words):
        if not fits(value):
            yield Wrong(path, message.format(value), hint)
    for section in ("cap_add", "cap_drop"):
        for index, name in enumerate(words.get(section) or []):
            yield from _unknown((section, str(index)), name.upper().removeprefix("CAP_"), CAPABILITIES, "capability")
    for name in words.get("ulimits") or {}:
        yield from _unknown(("ulimits", name), name, ULIMITS, "limit")
    for key, mount in sorted((words.get("volumes") or {}).items()):
        propagation = (mount.get("bind") or {}).get("propagation")
        if propagation is not None:
            yield from _unknown(("volumes", key, "bind", "propagation"), propagation, PROPAGATIONS, "propagation")


def _command(word: str, command: Json) -> Iterator[Wrong]:
    try:
        api.argv(command or [])
    except ValueError:
        yield Wrong((word,), f"a quote is open in `{word}`", "close it, or write a list: [program, argument, …]")


def _unknown(path: Path, name: str, known: frozenset[str], what: str) -> Iterator[Wrong]:
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean `{near}`?" if near else f"write one of {', '.join(sorted(known))}"
        yield Wrong(path, f"Linux has no {what} `{name}`", hint)


# --- single texts ---

_Form = tuple[Callable[[Json], bool], str, str]


def _texts(words: JsonMap) -> Iterator[tuple[Path, Json, _Form]]:
    for word, form in _FORMS.items():
        value = words.get(word)
        if isinstance(value, Mapping):
            yield from (((word, key), one, form) for key, one in value.items())
        elif isinstance(value, list):
            yield from (((word, str(index)), one, form) for index, one in enumerate(value))
        elif value is not None:
            yield (word,), value, form
    for name in words.get("sysctls") or {}:
        yield ("sysctls", name), name, _SYSCTL


def _is_address(value: Json) -> bool:
    try:
        ipaddress.ip_address(str(value).partition("%")[0])
    except ValueError:
        return False
    return True


def _is_signal(value: Json) -> bool:
    name = str(value).upper().removeprefix("SIG")
    return name in _SIGNALS or _REAL_TIME.match(name) is not None or (name.isdecimal() and 1 <= int(name) <= 64)


def _is_memory(value: Json) -> bool:
    folder, _, options = str(value).partition(":")
    options_fit = all(_TMPFS_OPTION.match(option) for option in options.split(",") if option)
    return folder.startswith("/") and folder.strip("/") != "" and options_fit


def _is_exposed(value: Json) -> bool:
    if not _EXPOSED.match(str(value)):
        return False
    first, _, last = str(value).partition("/")[0].partition("-")
    return 0 < int(first) <= int(last or first) <= 65535


def _matches(pattern: re.Pattern[str]) -> Callable[[Json], bool]:
    return lambda value: pattern.match(str(value)) is not None


_FORMS: Mapping[str, _Form] = {
    "dns": (_is_address, "a name server is an address, not `{}`", "write it like 1.1.1.1"),
    "extra_hosts": (
        lambda value: value == "host-gateway" or _is_address(value),
        "a host's address cannot be `{}`",
        "write it like 10.0.0.1, or host-gateway",
    ),
    "stop_signal": (_is_signal, "Linux has no signal `{}`", "write it like SIGTERM"),
    "tmpfs": (_is_memory, "`{}` is no folder in memory", "write it like /run or /tmp:size=64m,mode=1777"),
    "expose": (_is_exposed, "`{}` is no port", "write it like 80, 53/udp or 7000-7005"),
    "hostname": (
        lambda value: 0 < len(str(value)) <= LONGEST_HOSTNAME,
        "`{}` is too long for a host name",
        f"write at most {LONGEST_HOSTNAME} characters",
    ),
    "pid": (_matches(_NAMESPACES), "`pid` cannot be `{}`", "write host or service:NAME"),
    "ipc": (_matches(_IPC), "`ipc` cannot be `{}`", "write host, private, shareable, none or service:NAME"),
    "platform": (_matches(_PLATFORM), "`{}` is no platform", "write it like linux/amd64 or linux/arm/v7"),
}
_SYSCTL: _Form = (
    _matches(_OWN_SYSCTL),
    "a container has no `{}` of its own",
    "set it on the host, or choose one that begins with net., fs.mqueue., kernel.shm, kernel.msg or kernel.sem",
)
