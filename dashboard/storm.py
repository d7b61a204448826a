"""`python -m dashboard.storm`: many viewers of a dashboard, who open pages, look at them and leave.

A service of a resilience test's private copy: it waits for the file that says what is asked, opens
real sessions over websockets, and writes what came of them.
"""

from __future__ import annotations

import asyncio
import itertools
import time

from websockets.exceptions import WebSocketException

from dashboard.viewing import viewing, watch
from engine.resilience.child import Child
from engine.resilience.storming import Storm, Stormed, answer_file, read_wish, write

LOOK_S = 0.5
"""How long a page that was drawn is looked at."""

LEAVES = 4
"""Every so many pages one is left in the middle of its drawing."""

WISH_S = 0.02
BEAT_S = 0.2


class Crowd:
    """All viewers of one storm."""

    def __init__(self, storm: Storm) -> None:
        self.came = Stormed()
        self._storm = storm
        self._begun = time.monotonic()
        self._visits = itertools.count()

    async def storm(self) -> None:
        """Open, look and leave until the time is over."""
        await asyncio.gather(*(self._viewer(number) for number in range(self._storm.viewers)))

    async def _viewer(self, number: int) -> None:
        pages = self._storm.pages
        for turn in itertools.count(number):  # each begins with another page
            if self._left(0.0) <= 0:
                return
            await self._visit(pages[turn % len(pages)])

    async def _visit(self, page: str) -> None:
        leaves = next(self._visits) % LEAVES == LEAVES - 1
        begun = time.monotonic()
        try:
            async with (
                asyncio.timeout(self._left(self._storm.grace_s)),
                viewing(self._storm.url, page=page) as viewer,
            ):
                await viewer.draw()
                if leaves:
                    await viewer.hear()
                    self.came.left += 1
                    return
                await viewer.until_drawn(self._left(self._storm.grace_s))
                seconds = time.monotonic() - begun
                await watch(viewer, max(min(LOOK_S, self._left(0.0)), 0.0))
        except TimeoutError:
            self.came.late.append(page)
            self.came.took_s.append(time.monotonic() - begun)
            return
        except (OSError, WebSocketException) as error:
            self.came.unanswered.append(f"{page}: {type(error).__name__} {error}".strip())
            return
        self.came.took_s.append(seconds)
        if viewer.exceptions:
            self.came.broken.append(page)

    def _left(self, grace_s: float) -> float:
        return self._begun + self._storm.seconds + grace_s - time.monotonic()


async def stormed(child: Child, storm: Storm) -> Stormed:
    """What came of a storm; a test that is told to stop ends it."""
    crowd = Crowd(storm)
    going = asyncio.create_task(crowd.storm())
    while not going.done() and not child.stopping:
        child.lifeline.beat(len(crowd.came.took_s))
        await asyncio.wait([going], timeout=BEAT_S)
    if not going.done():
        going.cancel()
        await asyncio.wait([going])
    else:
        going.result()
    return crowd.came


def main() -> None:
    """Wait for what is asked, do it, tell of it; until told to stop."""
    child = Child("viewers")
    child.lifeline.ready()
    while not child.lifeline.wait(WISH_S):
        child.lifeline.beat()
        if answer_file(child.folder).exists():
            continue
        if storm := read_wish(child.folder):
            write(answer_file(child.folder), asyncio.run(stormed(child, storm)))
    child.history.close()


if __name__ == "__main__":
    main()
