from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from db import tables
from db.session import reading
from tests.conftest import fresh_database
from tests.db.proxy import Proxy
from tests.mock.conftest import environment, start_origin, wait_for


@pytest.mark.parametrize("kind", ["mariadb", "postgres"])
def test_an_outage_leaves_cached_answers_one_sentence_and_every_row(
    kind: str, tmp_path: Path
) -> None:
    with fresh_database(kind, tmp_path) as url:
        assert url.host is not None
        assert url.port is not None
        proxy = Proxy((url.host, url.port))
        through = url.set(host="127.0.0.1", port=proxy.port)
        origin = start_origin(environment(tmp_path, through), url)
        try:
            with httpx.Client(base_url=origin.address, timeout=10) as client:
                answered = [client.get("/branches").status_code]
                proxy.cut()
                time.sleep(0.5)
                away = client.get("/price-areas")
                answered += [client.get("/branches").status_code for _ in range(20)]
                time.sleep(1)
                proxy.mend()
                assert wait_for(lambda: client.get("/price-areas").status_code == 200)
            assert away.status_code == 503
            assert "cannot be reached" in away.json()["detail"]
            assert answered == [200] * 21
            counted = select(func.count(), func.count(tables.cache_metrics.c.sequence.distinct()))

            def rows() -> tuple[int, ...]:
                with reading(origin.store) as connection:
                    return tuple(connection.execute(counted).one())

            assert wait_for(lambda: rows() == (22, 22), 8), rows()
        finally:
            origin.process.kill()
            origin.process.wait(5)
            origin.store.dispose()
