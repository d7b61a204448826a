"""Malformed records, foreign keys and noise: each is refused, and the server lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from functools import partial

from engine.broker.base import MAX_PAYLOAD_BYTES, Message
from engine.broker.link import LateReply, Link, LinkLost
from engine.broker.place import Place
from engine.errors import BrokerError
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline
from engine.resilience.queues.manager import place_in

LASTS_S = 1.0
REPLY_S = 1.0
QUEUE = "predictions"
FIELDS = Message.__struct_fields__
BAD_PUTS: tuple[object, ...] = (
    [("too-large", b"x" * (MAX_PAYLOAD_BYTES + 1), 1, 0)],
    [("no-bytes", 1.5, 1, 0)],
    [("no-time", b"x", float("nan"), 0)],
    [("", b"no id", 1, 0)],
    [("two\nlines", b"x", 1, 0)],
    [("short",)],
    [{"id": "a mapping"}],
    "no list",
    None,
    [("good", b"x", 1, 0), ("beside a bad one", None, 1, 0)],
)


class Poison(Scenario):
    """Sends what no client of ours would."""

    title = "Poison records"
    question = "Are malformed records and foreign peers refused without harm to the others?"
    parameters = (
        RATE,
        Parameter("rounds", 5, 1, 1, 50, "", "how often everything is sent"),
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name != "recovery"), "proofs")

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, LASTS_S)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Send all of it, and see that nothing of it was taken and nobody fell."""
        pid = pipeline.victim("queue")
        pipeline.struck("poison")
        taken = 0
        for _ in range(int(values["rounds"])):
            taken += sum(map(accepted, _poison(pipeline)))
            _noise(pipeline)
        pipeline.prove("of it taken as good", taken, 0)
        pipeline.prove("server replaced", pipeline.victim("queue") != pid, 0)


def _poison(pipeline: Pipeline) -> Iterator[Callable[[], object]]:
    """Calls of which each must be refused; Redis has no server of ours to send raw calls to."""
    if pipeline.queue.name == "manager":
        place = place_in(pipeline.queue.folder, pipeline.queue.socket)
        for batch in BAD_PUTS:
            yield partial(_call, place, "put_many", (batch,))
        yield partial(_call, place, "get_many", (0, 0.0, []))
        yield partial(_call, place, "get_many", (1, "long", []))
        yield partial(_call, place, "no_such_verb", ())
        yield partial(Link, place.address, os.urandom(32), REPLY_S)
        return
    broker = pipeline.broker(REPLY_S, "poison")
    for batch in BAD_PUTS:
        if isinstance(batch, list) and all(len(row) == len(FIELDS) for row in batch):
            yield partial(broker.put_many, [Message(*row) for row in batch])
    yield partial(broker.get_many, 0, 0.0)
    broker.close()


def accepted(send: Callable[[], object]) -> int:
    """Whether something malformed was not refused: 1 or 0."""
    try:
        send()
    except (BrokerError, LinkLost, LateReply):
        return 0
    return 1


def _call(place: Place, verb: str, arguments: tuple[object, ...]) -> None:
    link = Link(place.address, place.key_file.read_bytes(), REPLY_S)
    try:
        link.call(QUEUE, verb, arguments)
    finally:
        link.close()


def _noise(pipeline: Pipeline) -> None:
    """Bytes of no meaning, a frame that announces two gigabytes, and silence."""
    for noise in (os.urandom(300), b"\x7f\xff\xff\xff" + b"x" * 20, b""):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(pipeline.queue.socket)
            peer.sendall(noise)
