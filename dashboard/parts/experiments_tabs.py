"""The views of a study beside its table: curves, coordinates, effects, maps, differences."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.charts import parallel
from dashboard.charts import studies as charts
from dashboard.parts import experiments_head, shell
from dashboard.parts import experiments_reads as reads
from dashboard.parts.drawing import chart
from dashboard.parts.services import cell
from dashboard.parts.states import empty
from engine.actions.study_words import differing

CURVES = {
    "agent": ("Minutes replayed", "Reward, ms per s"),
    "trainer": ("Decisions learned from", "Value ratio on validation"),
}
FEW = 4
MOST_NAMED = 50
"""The best of so many configurations can be picked by name; others in the table above."""


def curves(frame: pd.DataFrame, found: stored.Row, chosen: list[int]) -> None:
    """Learning curves of the chosen configurations (else the best few), in bands over seeds."""
    shown = chosen or [int(n) for n in frame["trial"].head(FEW)]
    log = st.toggle("Logarithmic", key="study-curves-log", help="The axis of the value")
    rows = charts.band_rows(reads.curves(str(found["name"]), tuple(shown)))
    rows = rows.sort_values("trial", key=lambda numbers: numbers.map(shown.index), kind="stable")
    if rows.empty:
        empty("These configurations have left no curve yet.")
        return
    told = ", ".join(f"trial {n}" for n in shown)
    st.caption(f"{told}: mean over seeds, in a band from the worst to the best seed.")
    drawn = charts.bands(rows, CURVES[str(found["kind"])], shell.stored_theme(), log)
    last = rows.groupby("name", sort=False)["mean"].last()
    says = "Last values: " + ", ".join(f"{name} {value:,.4g}" for name, value in last.items())
    chart(drawn, "study-curves", says)


def coordinates(frame: pd.DataFrame, found: stored.Row, _: list[int]) -> None:
    """A line a configuration over all parameters."""
    names = differing(found["spec"]["axes"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axes = st.multiselect("Axes", names, names, key="study-axes", width="stretch")
        numeric = [n for n in axes if _above_zero(frame[n])]
        guess = [n for n in reads.logarithmic(found) if n in numeric]
        log = st.multiselect("On a log scale", numeric, guess, key="study-log", width=320)
    if not axes:
        empty("Choose at least one axis.")
        return
    drawn = parallel.plot(frame, axes, str(found["objective"]), log, shell.stored_theme())
    says = f"{len(frame)} configurations over {', '.join(axes)} and the objective."
    # Views beside each other keep the widths that they were made with.
    st.altair_chart(drawn, width="content", key="study-parallel", alt=says)
    st.caption("Drag over a strip below an axis to keep the lines that pass there; click to undo.")


def importance(frame: pd.DataFrame, found: stored.Row, _: list[int]) -> None:
    """What each parameter accounts for, and the objective over each."""
    if not found["effects"]:
        empty("At least four configurations with different results are needed.")
        return
    rows = pd.DataFrame(found["effects"])
    first = rows.iloc[0]
    says = f"{first['name']} accounts for {first['share']:.0%} of the spread."
    st.markdown(f":material/query_stats: {says} {_direction(first['direction'])}")
    chart(charts.effects(rows, shell.stored_theme()), "study-effects", says)
    _values(found)
    names = list(rows["name"])
    log = reads.logarithmic(found)
    left, right = shell.pair()
    for place, name in enumerate(names):
        with (left, right)[place % 2]:
            title = str(found["objective"])
            drawn = charts.slices(frame, name, title, name in log, shell.stored_theme())
            chart(drawn, f"study-slice-{name}", f"{title} over {name}.")


def _values(found: stored.Row) -> None:
    """Which value of each parameter is better over all else."""
    known = pd.DataFrame(reads.values(str(found["name"])))
    if known.empty:
        return
    st.caption("Each value over all that else was varied; runs meet under equal conditions only.")
    number = st.column_config.NumberColumn
    wanted = ["name", "value", "objective", "low", "high", "improvement", "improvement_low",
              "improvement_high", "trials", "runs"]  # fmt: skip
    best = known.iloc[0]
    st.dataframe(
        known[wanted].assign(value=known["value"].astype(str)),
        hide_index=True,
        placeholder="-",
        key=f"study-values-{found['name']}",
        alt=f"Values of parameters, the best first: {best['name']} {best['value']}",
        column_config={
            "name": "Parameter",
            "value": "Value",
            "objective": number(
                str(found["objective"]), format="%.4g", help="Interquartile mean over its runs"
            ),
            "low": number("From", format="%.4g", help="95 % interval, drawn within configurations"),
            "high": number("To", format="%.4g", help="95 % interval, drawn within configurations"),
            "improvement": number(
                "Beats the next",
                format="percent",
                help="How probably a run of it beats one of the value below, all else equal",
            ),
            "improvement_low": number("From", format="percent", help="95 % interval"),
            "improvement_high": number("To", format="percent", help="95 % interval"),
            "trials": number("Configurations"),
            "runs": number("Runs", help="Finished runs"),
        },
    )


def heat(frame: pd.DataFrame, found: stored.Row, _: list[int]) -> None:
    """The objective over two parameters."""
    names = differing(found["spec"]["axes"])
    if len(names) < 2:
        empty("A map needs two parameters that differ.")
        return
    with st.container(horizontal=True):
        first = str(st.selectbox("Across", names, key="study-heat-a", width=240))
        rest = [name for name in names if name != first]
        second = str(st.selectbox("Down", rest, key="study-heat-b", width=240))
    title = str(found["objective"])
    drawn = charts.heat(frame, first, second, title, shell.stored_theme())
    chart(drawn, "study-heat", f"Mean of {title} over {first} and {second}.")
    others = [name for name in rest if name != second]
    if others:
        st.caption(f"Means over {', '.join(others)}.")


def difference(frame: pd.DataFrame, found: stored.Row, chosen: list[int]) -> None:
    """Two configurations: what differs, and whether one is better."""
    numbers = [int(n) for n in frame["trial"].head(MOST_NAMED)]
    numbers += [n for n in chosen if n not in numbers]
    if len(numbers) < 2:
        empty("Two configurations with results are needed.")
        return
    names = differing(found["spec"]["axes"])
    by_number = {int(one["trial"]): one for one in found["ranking"]}
    start = [*chosen, *[n for n in numbers if n not in chosen]][:2]
    with st.container(horizontal=True):
        picked = [
            st.selectbox(
                title,
                numbers,
                numbers.index(start[place]),
                key=f"study-diff-{place}-{start[place]}",
                width=380,
                format_func=lambda n: reads.label(by_number[n], names),
            )
            for place, title in enumerate(("First", "Second"))
        ]
    first, second = (int(one) for one in picked)
    told = reads.comparison(str(found["name"]), first, second)
    st.markdown(f":material/balance: {told['sentence']}")
    if told["undecided"] and first != second:
        experiments_head.more_seeds(found, (first, second), "differing")
    lines = [(d["name"], str(d["first"]), str(d["second"])) for d in told["differences"]]
    a, b = by_number[first], by_number[second]
    for key, figure in found["figures"].items():
        one, two = (a["figures"] or {}).get(key), (b["figures"] or {}).get(key)
        if one is not None and two is not None and one != two:
            lines.append(
                (figure["title"], format(one, figure["form"]), format(two, figure["form"]))
            )
    st.dataframe(
        pd.DataFrame(lines, columns=["What differs", f"trial {first}", f"trial {second}"]),
        hide_index=True,
        key="study-diff",
        alt=f"What differs between trial {first} and trial {second}",
    )


def troubles(_frame: pd.DataFrame, found: stored.Row, _: list[int]) -> None:
    """Configurations that failed or were given up, and why."""
    if not found["failed"]:
        empty("No configuration failed or was given up.", icon="check_circle", height=120)
        return
    for one in found["failed"]:
        colour = "red" if one["state"] == "failed" else "orange"
        badge = f":{colour}-badge[{one['state']}]"
        st.markdown(f"{badge} **Trial {one['trial']}** · {cell(str(one['reason']))}")
    counts = found["standing"]["counts"]
    total = counts.get("failed", 0) + counts.get("pruned", 0)
    if total > len(found["failed"]):
        st.caption(f"The first {len(found['failed'])} of {total:,}.")


def _direction(value: float | None) -> str:
    if value is None or pd.isna(value) or abs(value) < 0.2:
        return ""
    return "More of it is better." if value > 0 else "Less of it is better."


def _above_zero(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values)) and bool((values > 0).all())
