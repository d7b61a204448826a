"""Judging a learned policy on requests that nobody has seen: beside every classic and the optimum.

Every cache is warmed by the training and validation parts and judged on the test part. "Best
classic" is the best of all of them in hindsight, at that size, on those very requests: a hard bar,
as nobody can pick it beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.cache import POLICIES
from engine.cache.base import Room
from engine.errors import TrainingError
from engine.traces.trace import Trace
from engine.training.curves import Listener
from engine.training.judging import Judge, verdict
from engine.training.policy import TrainedPolicy
from engine.training.results import Evaluation, Score, Verdict


def evaluate(
    trace: Trace,
    policies: Sequence[TrainedPolicy],
    capacities: Sequence[int] = (),
    classics: Sequence[str] = tuple(POLICIES),
    listener: Listener | None = None,
) -> Evaluation:
    """Judge a policy, trained with one or several seeds.

    Args:
        trace: of which the newer half is judged on.
        policies: one a seed, otherwise alike.
        capacities: in the policies' unit; none: the one they were trained for.
        classics: rows of POLICIES to stand beside.
        listener: hears how it goes; cancelled, no evaluation results.

    Raises:
        EvaluationCancelled: it was.
        TrainingError: the trace does not fit the policy.
    """
    spec = policies[0].spec
    check_fit(trace, policies)
    heard = listener or Listener()
    sizes = tuple(dict.fromkeys(capacities or (spec.capacity,)))
    judge = Judge(trace, policies, heard, len(sizes) * (len(classics) + len(policies)))
    scores: list[Score] = []
    verdicts: list[Verdict] = []
    for capacity in sizes:
        room = Room(capacity, spec.by_bytes, trace.requests.distinct)
        standing = [judge.classic(name, room) for name in classics]
        learned = judge.learned(room)
        scores += [learned.score, *(one.score for one in standing)]
        if found := verdict(learned, standing, judge.metric, judge.offered):
            verdicts.append(found)
    info = trace.info
    return Evaluation(
        trace=info.name,
        digest=info.digest,
        costs=info.costs,
        cost_model=info.cost_model,
        requests=len(trace.requests),
        judged=len(judge.test),
        metric=judge.metric,
        by_bytes=spec.by_bytes,
        scores=tuple(scores),
        verdicts=tuple(verdicts),
    )


def check_fit(trace: Trace, policies: Sequence[TrainedPolicy]) -> None:
    """See that a trace has the columns that the policies look at.

    Raises:
        TrainingError: it lacks one.
    """
    for name in policies[0].spec.columns:
        if name not in trace.requests.columns:
            raise TrainingError(
                f"The model looks at the column {name!r}, which the trace {trace.info.name!r} does "
                f"not have; it has: {', '.join(trace.requests.columns) or 'none'}."
            )
