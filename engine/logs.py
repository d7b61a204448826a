"""One line form for every log: UTC time, level, component, message.

A service logs to standard error; the supervisor captures it into `logs/<service>.log`.
"""

from __future__ import annotations

import logging
import sys
import time

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"


def configure(level: str = "INFO") -> None:
    """Send this process's logs to standard error in the one line form."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.addFilter(_brief)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _brief(record: logging.LogRecord) -> bool:
    """Tell in a line that a connection broke just as it was given back to its pool.

    The pool drops it, and whoever asks next is told properly: no error of ours, for a traceback.
    """
    if record.name.startswith("sqlalchemy.pool") and record.exc_info:
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]}", ()
        record.exc_info = record.exc_text = None
    return True
