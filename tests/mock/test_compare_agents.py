"""The comparison of agents: fair, honest about chance, and clear about wrong input."""

from __future__ import annotations

import pytest

from engine.tunables import Tuned
from mock.compare_agents import gained, interval, main, table, verdict
from mock.comparison import POLICIES, Outcome, Setup, run


def outcome(net_ms: float) -> Outcome:
    return Outcome(0.5, 0.4, 10, net_ms)


def test_equal_seeds_give_equal_outcomes_and_every_policy_is_judged() -> None:
    setup = Setup("shift", 3, minutes=1.5)
    first = run(setup, Tuned())
    assert first == run(setup, Tuned())
    assert set(first) == set(POLICIES)
    assert first["always"].hit_ratio >= first["lru"].hit_ratio > 0.1


def test_the_interval_is_student_s() -> None:
    mean, width = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean == 3.0
    assert width == pytest.approx(2.78 * 1.5811 / 5**0.5, rel=1e-3)


def test_a_lead_within_chance_has_no_winner() -> None:
    close = {
        "agent": [outcome(n) for n in (1000, 3000, 2000)],
        "lru": [outcome(n) for n in (2000, 1000, 2500)],
    }
    assert verdict(close).startswith("No winner")
    clear = {
        "agent": [outcome(n) for n in (1000, 3000, 2000)],
        "lru": [outcome(n) for n in (9000, 11_100, 10_050)],
    }
    assert verdict(clear).startswith("plain LRU wins: 8.")
    assert "plain LRU" in table(clear)[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workloads", "weekly"], "There is no workload 'weekly'; choose from: "),
        (["--tune", "agent.exploration"], "--tune is 'agent.exploration'; write NAME=VALUE"),
        (["--tune", "agent.exploration=2"], "agent.exploration is 2.0; give a number from 0 to 1."),
        (["--seeds", "0"], "--seeds is 0; give a number from 1 to 1000."),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(sentence)
    assert captured.out == ""


def test_the_command_prints_a_table_of_every_workload(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workloads", "zipf", "--seeds", "2", "--minutes", "1", "--rate", "20"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("±") >= 16
    assert "net saving" in printed


def test_an_agent_with_other_tunables_stands_beside_the_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    short = ["--workloads", "zipf", "--seeds", "2", "--minutes", "1", "--rate", "20"]
    assert main(short) == 0
    alone = capsys.readouterr().out
    assert main([*short, "--tune", "agent.exploration=0.9"]) == 0
    beside = capsys.readouterr().out
    first = next(line for line in alone.splitlines() if "Q-learning" in line)
    second = next(line for line in beside.splitlines() if "as tuned" in line)
    assert first in beside
    assert second.split()[3:] != first.split()[2:]
    assert "than with the defaults" in beside
    assert "as tuned" not in alone


def test_what_tunables_gain_is_judged_within_each_seed() -> None:
    better = {
        "agent": [outcome(n) for n in (1000, 9000, 5000)],
        "tuned": [outcome(n) for n in (3000, 11_100, 6900)],
    }
    assert gained(better).startswith("As tuned, the agent saves 2.0 ± ")
    assert "more than with the defaults" in gained(better)
    assert "within chance" not in gained(better)
    worse = {"agent": better["tuned"], "tuned": better["agent"]}
    assert "less than with the defaults" in gained(worse)
