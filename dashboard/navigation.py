"""The pages, one row each: a new page is one file in `views/` and one row here."""

from __future__ import annotations

from typing import NamedTuple


class PageRow(NamedTuple):
    """Where a page stands in the menu."""

    section: str
    file: str
    title: str
    icon: str
    question: str
    """The question that the page answers; shown in the menu's tooltip."""
    timed: bool = True
    """Whether it shows the shared window of time."""


PAGES: tuple[PageRow, ...] = (
    PageRow("Live", "overview", "Overview", ":material/monitoring:", "Is it alive, does it help?"),
    PageRow("Live", "queue", "Queue", ":material/stacks:", "Do predictions arrive in time?"),
    PageRow("Live", "forecaster", "Forecaster", ":material/timeline:", "Are the forecasts right?"),
    PageRow("Live", "agent", "Agent", ":material/psychology:", "What does the agent decide, why?"),
    PageRow("Data", "traffic", "Traffic & data", ":material/table_chart:", "What is requested?"),
    PageRow("Learning", "policies", "Policies", ":material/leaderboard:",
            "What would a better cache save?", timed=False),
    PageRow("Learning", "trainer", "Trainer", ":material/model_training:",
            "Can a policy learn it better?", timed=False),
    PageRow("Learning", "models", "Models", ":material/deployed_code:",
            "Which policy is best, and where is it used?", timed=False),
    PageRow("Learning", "experiments", "Experiments", ":material/science:",
            "Which settings are better, and is that sure?", timed=False),
    PageRow("Engine", "resilience", "Resilience", ":material/bolt:",
            "What happens when something breaks?", timed=False),
    PageRow("Engine", "system", "System", ":material/tune:", "How is it set, what does it log?"),
)  # fmt: skip
