"""Orders carried out on a Ray cluster, by one process of one of its nodes.

Ray carries bytes alone, and our code with them: a node needs Python with requirements.txt and
Ray, no copy of this repository, no data folder and no password. Ray itself trusts whoever reaches
its ports; `docs/scaling.md` says how to close them.
"""

from __future__ import annotations

import importlib.util
import logging
import signal
import socket
import time
from functools import partial
from typing import Any

from engine import errors
from engine.errors import EngineError, JobError, SettingsError, TrainingError
from engine.execution import messages
from engine.execution.base import Executor, Order, Outcome
from engine.execution.messages import End, News, Task
from engine.execution.node import Node
from engine.execution.parcels import mirror, packed, received, sent
from engine.settings import ROOT, Settings
from engine.traces import trace as traces
from engine.training import policy as policies
from engine.training.curves import Listener

POLL_S = 0.3

LOST = 2
"""With so many lost processes an order is given up."""

CONNECT_S = 5.0

CODE = ("engine", "db")
"""The packages that travel to the nodes."""


class RayExecutor(Executor):
    """One process on the cluster, for as long as a job has orders.

    Raises:
        SettingsError: Ray is not installed, or no cluster answers at the address.
    """

    def __init__(self, settings: Settings) -> None:
        self._address = settings.ray_address
        self._ray = connected(self._address)
        self._is_there = True
        self._node: Any = None
        self._trace: tuple[Any, Any] = (None, None)

    def run(self, order: Order, listener: Listener) -> Outcome:
        """Carry out an order; see the base. A lost process is replaced, from its checkpoint on.

        Raises:
            SettingsError: the cluster is gone.
        """
        for lost in range(1, LOST + 1):
            try:
                end = self._followed(order, listener)
                break
            except self._ray.exceptions.RayError as error:
                self._node, self._trace = None, (None, None)
                why = _why(error)
                self._is_there = False
                knock(self._address)
                self._is_there = True
                if lost == LOST:
                    raise JobError(f"{why}; {LOST} were lost, and the job ends here.") from None
                logging.getLogger(__name__).warning("%s; another goes on", why)
        if end.error:
            raise _error(end)
        return Outcome(end.told, [received(one, policies.load) for one in end.policies])

    def close(self) -> None:
        """Give the process on the cluster back."""
        if not self._is_there:
            return  # Ray would wait a minute for a cluster that is gone
        if self._node is not None:
            self._ray.kill(self._node)
        self._ray.shutdown()

    def _followed(self, order: Order, listener: Listener) -> End:
        self._begin(order, listener)
        while True:
            news = self._news(listener)
            for point in news.points:
                listener.point(point)
            listener.progress(news.fraction, news.message)
            kept = news.end.checkpoints if news.end else news.checkpoints
            if order.folder is not None and kept:
                mirror(kept, order.folder)
            if news.end is not None:
                return news.end
            time.sleep(POLL_S)

    def _begin(self, order: Order, listener: Listener) -> None:
        if self._node is None:
            self._node = self._ray.remote(**self._wanted(order))(Node).remote()
        folder = order.folder
        task = Task(
            work=order.work,
            options=dict(order.options),
            policies=[sent(partial(policies.save, one)) for one in order.policies],
            checkpoints=packed(folder) if folder is not None else {},
            keeps=folder is not None,
        )
        begun = self._node.begin.remote(self._sent(order), messages.write(task))
        while not self._ray.wait([begun], timeout=POLL_S)[0]:
            listener.progress(0.0, "waiting for a free processor of the Ray cluster")
            if listener.cancelled:
                raise JobError("The job was ended before the Ray cluster had a processor for it.")
        self._ray.get(begun)

    def _wanted(self, order: Order) -> dict[str, int]:
        """What the cluster is to set aside: a processor, and a GPU where one is asked for."""
        device = order.options.get("device", "cpu")
        if device == "cuda" and not self._ray.cluster_resources().get("GPU"):
            raise TrainingError(
                "The Ray cluster has no CUDA device; train with device=cpu or auto."
            )
        is_free = device == "auto" and self._ray.available_resources().get("GPU", 0) >= 1
        return {"num_cpus": 1, "num_gpus": int(device == "cuda" or is_free)}

    def _sent(self, order: Order) -> Any:  # noqa: ANN401 - Ray's reference
        """The order's trace in the cluster's memory; it goes there once."""
        if self._trace[0] is not order.trace:
            parcel = sent(partial(traces.write, order.trace))
            self._trace = (order.trace, self._ray.put(messages.write(parcel)))
        return self._trace[1]

    def _news(self, listener: Listener) -> News:
        asked = self._node.news.remote(listener.cancelled)
        # Compiled code may keep the node from answering for a while.
        while not self._ray.wait([asked], timeout=POLL_S)[0]:
            pass
        news: News = messages.read(self._ray.get(asked), News)
        return news


def connected(address: str) -> Any:  # noqa: ANN401 - the module
    """The module `ray`, connected to the cluster at `HOST:PORT`.

    Raises:
        SettingsError: Ray is not installed, or no cluster of its version answers there.
    """
    knock(address)
    import ray

    # Ray puts its own in the place of ours, which ends a job in good order.
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address,
            runtime_env={
                "py_modules": [str(ROOT / name) for name in CODE],
                # What numba has compiled goes along: a node would take minutes for it.
                "excludes": ["*.pyc"],
            },
            logging_level=logging.WARNING,
        )
    except (OSError, RuntimeError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise SettingsError(
            f"The Ray cluster at RAY_ADDRESS {address!r} cannot be used ({first}); this machine "
            f"joins it with `ray start --address={address} --num-cpus=0`."
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    return ray


def knock(address: str) -> None:
    """See that Ray is installed and something listens there; Ray itself would try for a minute.

    Raises:
        SettingsError: it is not, or nothing does.
    """
    if importlib.util.find_spec("ray") is None:
        raise SettingsError(
            f"RAY_ADDRESS is {address!r} and Ray is not installed; run `pip install -r "
            "requirements-ray.txt`, or unset RAY_ADDRESS to work on this machine alone."
        )
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except OSError as error:
        raise SettingsError(
            f"No Ray cluster answers at RAY_ADDRESS {address!r} ({error.strerror or error}); start "
            "its head with `ray start --head`, or unset RAY_ADDRESS to work on this machine alone."
        ) from None


def _error(end: End) -> EngineError:
    """What the node could not do, as the exception it was there."""
    kind = getattr(errors, end.error, None)
    if isinstance(kind, type) and issubclass(kind, EngineError):
        return kind(end.sentence)
    logging.getLogger(__name__).error("on the node:\n%s", end.where)
    return JobError(f"{end.error}: {end.sentence}")


def _why(error: Exception) -> str:
    """Why the cluster did not carry an order out, without a full stop."""
    told = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in str(error).splitlines())
        if value
    }
    where = f" (process {told['pid']} on {told['ip']})" if {"pid", "ip"} <= told.keys() else ""
    text = " ".join(str(error).split())
    cause = next((words for sign, words in _CAUSES.items() if sign in text), text[:200])
    return f"The Ray cluster lost the process of the job{where}: {cause}"


_CAUSES = {
    "OutOfMemory": "its node ran out of memory",
    "memory monitor": "its node ran out of memory",
    "node has died": "its node is gone",
    "NodeDied": "its node is gone",
    "connection error code 2": "it was killed or crashed (killed by hand, or out of memory)",
}
"""What Ray writes -> what that means."""
