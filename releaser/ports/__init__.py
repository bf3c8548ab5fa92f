"""The edges of the program as protocols; every implementation passes the contract suite of its port.

Each docstring says which errors of `model.errors` may come out; nothing else may.
"""

from releaser.ports.engine import Capabilities, Desired, Engine, Readiness, Scope, SecretValues, Work
from releaser.ports.history import ChainCheck, DeliveryQuery, HistoryStore, Holder, Lease, LeaseState
from releaser.ports.progress import Clock, Progress, Stop
from releaser.ports.surroundings import (
    Declarations,
    FingerprintKey,
    ImageRegistry,
    RegistryLogins,
    SecretSource,
    SourceControl,
    Verifier,
)

__all__ = [
    "Capabilities",
    "ChainCheck",
    "Clock",
    "Declarations",
    "DeliveryQuery",
    "Desired",
    "Engine",
    "FingerprintKey",
    "HistoryStore",
    "Holder",
    "ImageRegistry",
    "Lease",
    "LeaseState",
    "Progress",
    "Readiness",
    "RegistryLogins",
    "Scope",
    "SecretSource",
    "SecretValues",
    "SourceControl",
    "Stop",
    "Verifier",
    "Work",
]
