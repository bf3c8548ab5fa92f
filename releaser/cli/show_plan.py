"""Plans as people read them."""

from releaser.cli.output import Output
from releaser.model.plan import CREATE, DELETE, REPLACE, UNCHANGED, UPDATE, Plan
from releaser.planning.redact import printable

SYMBOLS = {CREATE: "+", UPDATE: "~", REPLACE: "±", DELETE: "-", UNCHANGED: "="}


def show_plan(out: Output, plan: Plan) -> None:
    """Print a plan."""
    out.line(f"Plan {plan.id[:6]} for {plan.environment} ({plan.target.engine} {plan.target.place}):")
    for change in plan.changes:
        out.line(printable(f"  {SYMBOLS[change.action]} {change.resource}"))
        for field in change.fields:
            shown = "(secret changed)" if field.secret else f"{field.old} → {field.new}"
            out.line(printable(f"      {field.path}  {shown}  {field.origin or ''}"))
    for gate in plan.gates:
        out.line(printable(f"  {'✓' if gate.passed else '✗'} {gate.gate}: {gate.detail}"))
