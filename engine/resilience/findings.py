"""Verdicts: what a checker found, with its evidence and the threshold it was held against."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How a test, or one of its checks, came out."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"
    """The test could not tell; it never counts as pass."""


class Finding(msgspec.Struct, frozen=True):
    """One checker's word."""

    checker: str
    verdict: Verdict
    evidence: str
    """What was seen, in one sentence with figures."""
    threshold: str
    """What was asked for."""


class Seen(msgspec.Struct, frozen=True):
    """What a checker's function returns: verdict, evidence, threshold."""

    verdict: Verdict
    evidence: str
    threshold: str


def held(fine: bool, evidence: str, threshold: str) -> Seen:
    """Pass or fail."""
    return Seen(Verdict.PASS if fine else Verdict.FAIL, evidence, threshold)


def unsure(evidence: str, threshold: str) -> Seen:
    """Unknown."""
    return Seen(Verdict.UNKNOWN, evidence, threshold)


def overall(findings: Iterable[Finding]) -> Verdict:
    """One failure fails; else one that could not tell leaves it unknown; nothing proves nothing."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.PASS if verdicts == {Verdict.PASS} else Verdict.UNKNOWN
