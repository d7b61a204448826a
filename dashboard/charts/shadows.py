"""What every policy would have saved on the same requests, net of what it costs."""

from __future__ import annotations

import pandas as pd

SUMS = ["requests", "hits", "stale_hits", "saved_ms", "refresh_ms"]


def shadow_table(
    frame: pd.DataFrame, names: dict[str, str], stale_weight_ms: float
) -> pd.DataFrame:
    """Per policy over the window, the greatest net saving first.

    Args:
        frame: total rollups of the policies.
        names: word of the `policy` column -> word on the page.
        stale_weight_ms: price of one stale hit.

    Returns:
        policy, requests, hit_ratio and stale_share (of hits) from 0 to 1; saved_ms, refresh_ms,
        stale_ms and net_ms per request; lead_ms: net_ms less that of plain LRU.
    """
    sums = frame.groupby("policy")[SUMS].sum().astype("float64")
    requests = sums["requests"].where(sums["requests"] > 0)
    stale_ms = stale_weight_ms * sums["stale_hits"]
    net = (sums["saved_ms"] - sums["refresh_ms"] - stale_ms) / requests
    base = net.get("lru")
    table = pd.DataFrame(
        {
            "policy": [names.get(str(policy), str(policy)) for policy in sums.index],
            "requests": sums["requests"].astype("int64").to_numpy(),
            "hit_ratio": (sums["hits"] / requests).to_numpy(),
            "stale_share": (sums["stale_hits"] / sums["hits"].where(sums["hits"] > 0)).to_numpy(),
            "saved_ms": (sums["saved_ms"] / requests).to_numpy(),
            "refresh_ms": (sums["refresh_ms"] / requests).to_numpy(),
            "stale_ms": (stale_ms / requests).to_numpy(),
            "net_ms": net.to_numpy(),
            "lead_ms": (net - base).to_numpy() if base is not None else float("nan"),
        }
    )
    return table.sort_values("net_ms", ascending=False, ignore_index=True)


def unseen(frame: pd.DataFrame, policy: str = "lru") -> int:
    """How many recorded requests the shadows were not shown, since they came too late.

    A shadow meets requests in order of time, each once; the newest bucket is still filling.

    Args:
        frame: total rollups of the policies, with policy, at and requests.
        policy: the shadow that is looked at; all are shown the same.
    """
    counts = frame.groupby(["policy", "at"])["requests"].sum()
    present = set(counts.index.get_level_values("policy"))
    if not {"recorded", policy} <= present:
        return 0
    shown = counts[policy]
    recorded = counts["recorded"]
    recorded = recorded[recorded.index < shown.index.max()]
    lacking = recorded - shown.reindex(recorded.index, fill_value=0)
    return int(lacking.clip(lower=0).sum())
