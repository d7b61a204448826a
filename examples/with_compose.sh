#!/usr/bin/env bash
# The README's section on containers, command by command, with a check after each:
#
#   examples/with_compose.sh         needs Docker, or any engine that knows `docker compose`
#
# The demo runs on afterwards; `docker compose down` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

for name in MARIADB_PASSWORD API_TOKEN; do grep -qs "^$name=" .env || (umask 077; echo "$name=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')" >> .env); done
docker compose up --build --wait

docker compose exec -T engine python -m mock.mock_db --rows 4000
docker compose exec -T engine python -m mock.simulate_live --n 200
docker compose exec -T engine python -m engine import --source seeded --name shop --replace
docker compose exec -T engine python -m engine train shop --algorithm a2c --cache-size 10% --timesteps 4000
model=$(docker compose exec -T engine python -m engine models --json | sed -n 's/.*"id": \([0-9]*\).*/\1/p' | head -n 1)
docker compose exec -T engine python -m engine evaluate "$model"
docker compose exec -T engine python -m engine export "$model"
answer=$(curl -sS --fail --max-time 60 "http://localhost:${API_PORT:-8000}/models/$model/decide" -H @<(sed -n 's/^API_TOKEN=/Authorization: Bearer /p' .env) -H 'content-type: application/json' -d '{"requests": [{"key": "/a", "size_bytes": 9, "load_time_ms": 40}, {"key": "/a", "size_bytes": 9, "load_time_ms": 40}]}')
[[ $answer == *'"hit_ratio":0.5'* ]] || { echo "decide: $answer" >&2; exit 1; }
echo "decide: $answer"
