"""Real HTTP requests at a given rate: the generator, what it counts, and where it may send."""

import sys

# httpx brings its command line along where rich and pygments are installed: 5 MB in a service that
# only sends requests. With this name taken it goes without, as where they are not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None: not to be imported
