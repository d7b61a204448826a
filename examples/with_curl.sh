#!/usr/bin/env bash
# From nothing to a decision with nothing but curl, against an engine that runs:
#
#   .venv/bin/python -m engine up --detach
#   examples/with_curl.sh
#
# CACHESCOPE_URL    where the API listens (default: http://127.0.0.1:8000; `engine status` tells it)
# CACHESCOPE_TOKEN  an operator's token, where the API wants one
set -euo pipefail

url=${CACHESCOPE_URL:-http://127.0.0.1:8000}
name=with-curl
answer=""

# ask METHOD PATH [JSON]: the answer, or the problem in its own words and the end.
ask() {
  # The token goes through a pipe: arguments stand in the list of processes, for everybody to read.
  answer=$(curl -sS --max-time 60 -w '\n%{http_code}' -X "$1" "$url$2" \
    -H @<(printf 'Authorization: Bearer %s\n' "${CACHESCOPE_TOKEN:-none}") \
    ${3:+-H 'content-type: application/json' -d "$3"})
  local status=${answer##*$'\n'}
  answer=${answer%$'\n'*}
  [[ $status == 2?? ]] || { echo "$1 $2: $status $answer" >&2; exit 1; }
}

# wrong WHAT: the end, with the answer that was not as it should be.
wrong() {
  echo "$1: $answer" >&2
  exit 1
}

# field NAME: the first value of that name in the answer.
field() {
  local value="\"$1\": *\\[?\"?([^]\",}]+)"
  [[ $answer =~ $value ]] || wrong "no $1"
  echo "${BASH_REMATCH[1]}"
}

# finish WHAT: wait for the job that the answer names.
finish() {
  local id state
  id=$(field 'ids?')
  for _ in {1..600}; do
    ask GET "/jobs/$id"
    state=$(field state)
    case $state in
      done) echo "$1: $(field message)"; return ;;
      queued | running) sleep 0.5 ;;
      *) echo "$1 $state: $(field message)" >&2; exit 1 ;;
    esac
  done
  echo "$1 took more than five minutes" >&2
  exit 1
}

ask GET /health
[[ $(field ok) == true ]] || wrong "the engine is not ready"

ask POST /db/seed '{"rows": 4000}'
finish seed

ask POST /simulation/start '{"n": 200, "rate": 100}'
finish simulate
# A busy machine may not get all of them out in time, and says so.
(($(field requests) > 0)) || wrong "no request was answered"

ask POST /import "{\"source\": \"seeded\", \"name\": \"$name\", \"replace\": true}"
finish import

ask POST "/train?trace=$name&algorithm=a2c&cache_size=10&timesteps=4000"
finish train
model=$(field best)

ask POST "/evaluate/$model" '{}'
finish evaluate

ask POST "/export/$model?output_dir=$name"
finish export
ask GET "/models/$model"
[[ $answer == *"$name"* ]] || wrong "model $model knows nothing of its export"
zip=$(mktemp)
trap 'rm -f "$zip"' EXIT
curl -sS --fail --max-time 60 -o "$zip" "$url/models/$model/export" \
  -H @<(printf 'Authorization: Bearer %s\n' "${CACHESCOPE_TOKEN:-none}")
[[ $(head -c 2 "$zip") == PK ]] || wrong "the export is no zip"

ask POST "/models/$model/decide" '{"requests": [
  {"key": "/prices?area=1", "size_bytes": 2000, "load_time_ms": 40},
  {"key": "/prices?area=2", "size_bytes": 2000, "load_time_ms": 40},
  {"key": "/prices?area=1", "size_bytes": 2000, "load_time_ms": 40}]}'
echo "decide: model $model would have answered $(field hit_ratio) of three requests from its cache"

ask GET /decisions
echo "decisions: ${#answer} bytes"
