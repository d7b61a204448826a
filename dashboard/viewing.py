"""A viewer without a browser: Streamlit's own messages over a websocket, as its page sends them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Button_pb2 import Button
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

LARGEST = 64 * 2**20
"""Bytes of one message."""


@dataclass
class Viewer:
    """One open page: what it was shown, and what it sends."""

    connection: ClientConnection
    query: str = ""
    page: str = ""
    """The page's name in the address; empty: the first one."""
    texts: list[str] = field(default_factory=list)
    """Every text and error, newest last."""
    exceptions: int = 0
    """How many errors of the page's own code were among them."""
    buttons: dict[str, Button] = field(default_factory=dict)
    """Label -> the newest button of that label."""
    numbers: dict[str, NumberInput] = field(default_factory=dict)
    """Label -> the newest field for a number of that label."""
    every_s: dict[str, float] = field(default_factory=dict)
    """Fragment -> seconds between its redraws."""
    drawn: int = 0
    """Scripts and fragments that were drawn to their end."""
    _hash: str = ""

    async def draw(
        self,
        fragment: str = "",
        pressed: str = "",
        entered: Mapping[str, float] | None = None,
        *,
        by_itself: bool = False,
    ) -> None:
        """Ask for the page or one live part of it; `pressed` and `entered` name by labels."""
        if not fragment:
            self.every_s.clear()
        states = WidgetStates()
        if pressed:
            states.widgets.add(id=self.buttons[pressed].id, trigger_value=True)
        for label, value in (entered or {}).items():
            states.widgets.add(id=self.numbers[label].id, double_value=value)
        wanted = ClientState(
            query_string=self.query,
            widget_states=states,
            page_script_hash=self._hash,
            page_name="" if self._hash else self.page,
            fragment_id=fragment,
            is_auto_rerun=by_itself,
        )
        await self.connection.send(BackMsg(rerun_script=wanted).SerializeToString())

    async def until_drawn(self, seconds: float = 60) -> None:
        """Hear until the script has ended once more."""
        before = self.drawn
        async with asyncio.timeout(seconds):
            while self.drawn == before:
                await self.hear()

    async def hear(self) -> None:
        """One message of the server."""
        data = await self.connection.recv()
        said = ForwardMsg.FromString(data.encode() if isinstance(data, str) else data)
        kind = said.WhichOneof("type")
        if kind == "new_session":
            self._hash = said.new_session.page_script_hash
        elif kind == "navigation":
            self._hash = said.navigation.page_script_hash
        elif kind == "auto_rerun":
            self.every_s[said.auto_rerun.fragment_id] = said.auto_rerun.interval
        elif kind == "script_finished":
            self.drawn += 1
        elif kind == "delta" and said.delta.WhichOneof("type") == "new_element":
            element = said.delta.new_element
            if element.WhichOneof("type") == "button":
                self.buttons[element.button.label] = element.button
            if element.WhichOneof("type") == "number_input":
                self.numbers[element.number_input.label] = element.number_input
            for shown in ("markdown", "alert", "toast", "exception"):
                if element.WhichOneof("type") == shown:
                    part = getattr(element, shown)
                    self.exceptions += shown == "exception"
                    self.texts.append(str(part.message if shown == "exception" else part.body))


@contextlib.asynccontextmanager
async def viewing(
    url: str,
    query: str = "",
    page: str = "",
    headers: Mapping[str, str] | None = None,
    origin: str | None = None,
    name: str = "",
    token: str = "",
) -> AsyncIterator[Viewer]:
    """Open a page of the dashboard at `http://host:port`; nothing is drawn before `draw`.

    Args:
        url: where it listens.
        query: of the page's address.
        page: its name; empty: the first one.
        headers: further ones.
        origin: the site whose script connects; None: the dashboard's own.
        name: the host name by which it is called; empty: that of `url`.
        token: against forged requests, which a login needs beside its cookie.

    Raises:
        websockets.exceptions.InvalidStatus: the server refuses the connection.
    """
    host, port = url.removeprefix("http://").split(":")
    async with connect(
        f"ws://{name or host}:{port}/_stcore/stream",
        host=host,
        port=int(port),
        origin=Origin(origin or url),
        subprotocols=[Subprotocol(word) for word in ("streamlit", token) if word],
        additional_headers=dict(headers or {}),
        max_size=LARGEST,
        # A full queue stops the reading, and who leaves then waits in vain for the farewell.
        max_queue=None,
    ) as connection:
        yield Viewer(connection, query, page)


async def watch(viewer: Viewer, seconds: float) -> int:
    """Look on as an open page does, its live parts redrawn in time; returns how often."""
    begun = viewer.drawn
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    due: dict[str, float] = {}
    while (now := loop.time()) < end:
        due = {part: due.get(part, now + every) for part, every in viewer.every_s.items()}
        for part in _late(due, now):
            await viewer.draw(part, by_itself=True)
            due[part] = now + viewer.every_s[part]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(min([end, *due.values()]) - loop.time(), 0.001)):
                await viewer.hear()
    return viewer.drawn - begun


def _late(due: Mapping[str, float], now: float) -> Iterator[str]:
    return (part for part, at in list(due.items()) if at <= now)
