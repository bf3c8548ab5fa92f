"""Gates: may this release enter this environment."""

from collections.abc import Mapping
from datetime import datetime

from releaser.model.environment import PipelineEntry
from releaser.model.gate import GateResult, Standing
from releaser.planning.wording import duration, listed


def evaluate(
    entry: PipelineEntry, version: str, standings: Mapping[str, Standing], now: datetime
) -> tuple[GateResult, ...]:
    """Every gate's answer for a promotion; `standings` has one entry for each upstream environment."""
    results = []
    if entry.upstream is not None:
        results.append(_from(entry, version, standings))
    if entry.upstream is not None and entry.soak:
        results.append(_soak(entry, version, standings, now))
    return (*results, *confirmation(entry))


def confirmation(entry: PipelineEntry) -> tuple[GateResult, ...]:
    """The gate that a person passes by typing; it never refuses a plan."""
    if entry.confirm is None:
        return ()
    return (GateResult(gate="confirm", passed=True, detail=f"asks for the name {entry.name}, or --yes"),)


def _from(entry: PipelineEntry, version: str, standings: Mapping[str, Standing]) -> GateResult:
    assert entry.upstream is not None  # noqa: S101 - the caller's branch
    names = entry.upstream.environments
    proven = [name for name in names if standings[name].proven is not None]
    passed = bool(proven) if entry.upstream.mode == "any" else len(proven) == len(names)
    if passed:
        where = listed([f"{name} (#{standings[name].proven})" for name in proven])
        return GateResult(gate="from", passed=True, detail=f"{version} is proven in {where}")
    return GateResult(gate="from", passed=False, detail=_unproven(entry, version, standings))


def _unproven(entry: PipelineEntry, version: str, standings: Mapping[str, Standing]) -> str:
    assert entry.upstream is not None  # noqa: S101 - the caller's branch
    missing = [name for name in entry.upstream.environments if standings[name].proven is None]
    back = [f"{name} (#{standings[name].rolled_back})" for name in missing if standings[name].rolled_back is not None]
    away = f"; rolled back away from it: {listed(back)}" if back else ""
    if len(entry.upstream.environments) == 1:
        return f"{version} is not proven in {missing[0]}{away}"
    if entry.upstream.mode == "any":
        return f"{version} is proven in none of {listed(missing)}{away}"
    return f"{version} is not proven in {listed(missing)}, and must be in all of them{away}"


def _soak(entry: PipelineEntry, version: str, standings: Mapping[str, Standing], now: datetime) -> GateResult:
    assert entry.upstream is not None  # noqa: S101 - the caller's branch
    assert entry.soak is not None  # noqa: S101 - the caller's branch
    choose = max if entry.upstream.mode == "any" else min  # the one that decides, and is shown
    decisive = choose(
        (standings[name] for name in entry.upstream.environments),
        key=lambda standing: (standing.proven is not None, ran(standing, now)),
    )
    if decisive.since is None:
        return GateResult(gate="soak", passed=False, detail=f"{version} did not run in {decisive.environment} yet")
    seconds = ran(decisive, now)
    passed = decisive.proven is not None and seconds >= entry.soak
    detail = f"{version} ran {duration(seconds)} of {duration(entry.soak)} in {decisive.environment}"
    return GateResult(gate="soak", passed=passed, detail=detail if passed else detail + _lacking(decisive, entry, now))


def _lacking(standing: Standing, entry: PipelineEntry, now: datetime) -> str:
    left = (entry.soak or 0) - ran(standing, now)
    if left <= 0:
        return ", but is not proven there"
    return f", {duration(max(left, 1))} to go" if standing.until is None else ", and runs there no more"


def ran(standing: Standing, now: datetime) -> float:
    """The seconds of the release's latest unbroken time as `current` in that environment."""
    if standing.since is None:
        return 0.0
    return max(((standing.until or now) - standing.since).total_seconds(), 0.0)
