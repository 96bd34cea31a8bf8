"""The steps of a build and what each follows, as a diagram in Mermaid, drawn from the plan."""

from flows.build_plan import BUILD

SPACING = '%%{init: {"flowchart": {"nodeSpacing": 25, "rankSpacing": 28}}}%%'
STYLE = "classDef account fill:#cfe3ff,stroke:#3b6fb5,color:#000"


def step_diagram() -> str:
    """Return the diagram, fenced as a code host draws it: one line for each step.

    A step that can be undone makes something in the account, and has a colour.
    """
    lines = ["```mermaid", SPACING, "flowchart TD", f"  {STYLE}"]
    for step, followed in BUILD.items():
        before = " & ".join(each.name for each in followed)
        arrow = f"{before} --> " if before else ""
        colour = ":::account" if step.undo else ""
        lines.append(f'  {arrow}{step.name}["{step.title}"]{colour}')
    return "\n".join([*lines, "```", ""])
