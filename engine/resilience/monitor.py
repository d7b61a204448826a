"""Watches a pipeline while it is harmed: the queue's counters, states, ended processes."""

from __future__ import annotations

import threading

from engine.errors import BrokerError
from engine.resilience.history import Counted, History, What
from engine.resilience.pipeline import Pipeline

EVERY_S = 0.05
REPLY_S = 0.3


class Monitor:
    """Two threads with a history each: one asks the queue, the other the supervisor."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=work, args=(History(pipeline.folder / "history", name),))
            for work, name in ((self._queue, "monitor"), (self._services, "watch"))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _queue(self, history: History) -> None:
        broker = self._pipeline.broker(REPLY_S)
        while not self._ending.wait(EVERY_S):
            try:
                counters = broker.counters()
            except BrokerError as error:
                history.tell(What.SILENT, note=str(error))
                continue
            history.tell(What.SAMPLE, counted=counted(counters))
        broker.close()
        history.close()

    def _services(self, history: History) -> None:
        states: dict[str, str] = {}
        pids: dict[str, int] = {}
        while True:
            for service in self._pipeline.status():
                name, pid = service["name"], service["pid"]
                told = f"{name}: {service['state']}" + (
                    f" ({service['why']})" * bool(service["why"])
                )
                if states.get(name) != told:
                    states[name] = told
                    history.tell(What.STATE, note=told, id=name)
                if name in pids and pids[name] != pid:
                    history.tell(What.GONE, note=f"{name} {pids.pop(name)}", id=name)
                if pid:
                    pids[name] = pid
            if self._ending.wait(EVERY_S):
                break
        history.close()


def counted(counters: object) -> Counted:
    """The broker's counters as the history keeps them."""
    return Counted(*(int(getattr(counters, name)) for name in Counted.__struct_fields__))
