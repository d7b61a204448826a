"""The Redis backend's verbs as Lua scripts; each runs alone in Redis, so each is atomic.

Keys of a queue, all with one hash tag so that they share a cluster slot: `:q` waiting ids by
sequence (a sorted set keeps records that come back before all younger), `:r:ID` a record, `:l`
id -> holder of the lease, `:n` totals, `:d` recent ids, `:w` wake-up tokens for blocked consumers,
`:s:SECOND`, `:e:SECOND` and `:h:SECOND` one second's counts and delays. All times are the server's,
in microseconds (a Lua number holds no more digits); clients turn theirs into it (`redis_clock`).
"""

from __future__ import annotations

from engine.broker.base import CAPACITY, MAX_LEASED
from engine.broker.layout import RECENT
from engine.broker.sampling import DELAYS_KEPT, KEPT_SECONDS

_COMMON = f"""
local P = KEYS[1]
local call = redis.call
local clock = call('TIME')
local second = clock[1]
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local S = P .. ':s:' .. second
local function count(field, n)
  if n > 0 then
    call('HINCRBY', P .. ':n', field, n)
    call('HINCRBY', S, field, n)
  end
end
local function keep_delay(kind, since)
  local key = P .. ':' .. kind .. ':' .. second
  if call('RPUSH', key, math.max(0, now - since)) > {DELAYS_KEPT} then call('LPOP', key) end
  call('EXPIRE', key, {KEPT_SECONDS + 60})
end
local function figures()
  local depth = call('ZCARD', P .. ':q')
  local leased = call('HLEN', P .. ':l')
  local n = call('HMGET', P .. ':n', 'epoch', 'accepted', 'duplicates', 'handed_out',
    'acknowledged', 'overwritten', 'expired')
  for i = 1, 7 do n[i] = tonumber(n[i] or '0') end
  depth = depth + leased
  if depth > tonumber(call('HGET', S, 'depth_max') or '0') then
    call('HSET', S, 'depth_max', depth)
  end
  call('HSET', S, 'depth_last', depth)
  call('EXPIRE', S, {KEPT_SECONDS + 60})
  return {{n[1], depth, leased, n[2], n[3], n[4], n[5], n[6], n[7]}}
end
local function drop(id)
  call('ZREM', P .. ':q', id)
  call('DEL', P .. ':r:' .. id)
end
local function expire()
  local gone = 0
  for _, id in ipairs(call('ZRANGE', P .. ':q', 0, -1)) do
    local ends = tonumber(call('HGET', P .. ':r:' .. id, 'x'))
    if ends > 0 and ends <= now then drop(id) gone = gone + 1 end
  end
  count('expired', gone)
end
local function wake(n)
  if n > 0 and call('LLEN', P .. ':w') < {CAPACITY} then call('LPUSH', P .. ':w', '1') end
end
local function release(matches)
  local all = call('HGETALL', P .. ':l')
  local back = 0
  for i = 1, #all, 2 do
    if matches(all[i + 1]) then
      call('HDEL', P .. ':l', all[i])
      call('ZADD', P .. ':q', call('HGET', P .. ':r:' .. all[i], 'q'), all[i])
      back = back + 1
    end
  end
  wake(back)
end
"""

PUT = (
    _COMMON
    + f"""
call('HSET', P .. ':n', 'clock_error', ARGV[1])
expire()
local over, accepted, doubles = {{}}, 0, 0
for i = 2, #ARGV, 4 do
  local id = ARGV[i]
  local sequence = call('HINCRBY', P .. ':n', 'sequence', 1)
  if call('ZADD', P .. ':d', 'NX', sequence, id) == 0 then
    doubles = doubles + 1
  else
    if call('ZCARD', P .. ':q') + call('HLEN', P .. ':l') >= {CAPACITY} then
      local oldest = call('ZRANGE', P .. ':q', 0, 0)[1]
      drop(oldest)
      over[#over + 1] = oldest
    end
    -- Nothing is accepted before it was sent; clocks that say so are wrong by that much.
    local sent = math.min(tonumber(ARGV[i + 2]), now)
    call('HSET', P .. ':r:' .. id, 'p', ARGV[i + 1], 's', sent, 'a', now,
      'x', ARGV[i + 3], 'h', '0', 'q', sequence)
    call('ZADD', P .. ':q', sequence, id)
    accepted = accepted + 1
    keep_delay('e', sent)
  end
end
call('ZREMRANGEBYRANK', P .. ':d', 0, -{RECENT + 1})
count('accepted', accepted)
count('duplicates', doubles)
count('overwritten', #over)
wake(accepted)
return {{accepted, doubles, over, figures(), now}}
"""
)

_DONE = """
local function acknowledge(holder, client, first)
  local done = 0
  for i = first, #ARGV do
    local id = ARGV[i]
    local held = call('HGET', P .. ':l', id)
    if held then
      if string.sub(held, 1, #client) == client then
        call('HDEL', P .. ':l', id)
        call('DEL', P .. ':r:' .. id)
        done = done + 1
      end
    elseif call('HGET', P .. ':r:' .. id, 'h') == '1' then
      drop(id)
      done = done + 1
    end
  end
  count('acknowledged', done)
  if done > 0 and call('ZCARD', P .. ':q') > 0 then wake(1) end
end
"""

GET = (
    _COMMON
    + _DONE
    + f"""
local holder, client, wanted = ARGV[1], ARGV[2], tonumber(ARGV[3])
acknowledge(holder, client, 4)
expire()
local room = math.min(wanted, {MAX_LEASED} - call('HLEN', P .. ':l'))
local out = {{}}
if room > 0 then
  for _, id in ipairs(call('ZRANGE', P .. ':q', 0, room - 1)) do
    local r = call('HMGET', P .. ':r:' .. id, 'p', 's', 'a', 'h')
    call('ZREM', P .. ':q', id)
    call('HSET', P .. ':l', id, holder)
    call('HSET', P .. ':r:' .. id, 'h', '1')
    keep_delay('h', tonumber(r[3]))
    out[#out + 1] = {{id, r[1], r[2], r[3], r[4]}}
  end
end
count('handed_out', #out)
if #out > 0 and call('ZCARD', P .. ':q') > 0 then wake(1) end
return {{out, figures(), now}}
"""
)

ACKNOWLEDGE = _COMMON + _DONE + "acknowledge(ARGV[1], ARGV[2], 3) return figures()"

ATTACH = (
    _COMMON
    + """
local holder, client = ARGV[1], ARGV[2]
local run = string.match(call('INFO', 'server'), 'run_id:(%w+)')
if call('HGET', P .. ':n', 'run') ~= run then
  call('HSET', P .. ':n', 'run', run)
  call('HINCRBY', P .. ':n', 'epoch', 1)
end
release(function(held) return held ~= holder and string.sub(held, 1, #client) == client end)
return figures()
"""
)

RELEASE = (
    _COMMON
    + """
local gone = {}
for i = 1, #ARGV do gone[ARGV[i]] = true end
release(function(held) return gone[held] end)
return figures()
"""
)

DROP = (
    _COMMON
    + f"""
for _, id in ipairs(call('ZRANGE', P .. ':q', 0, -1)) do call('DEL', P .. ':r:' .. id) end
for _, id in ipairs(call('HKEYS', P .. ':l')) do call('DEL', P .. ':r:' .. id) end
for past = 0, {KEPT_SECONDS + 60} do
  local at = second - past
  call('DEL', P .. ':s:' .. at, P .. ':e:' .. at, P .. ':h:' .. at)
end
call('DEL', P .. ':q', P .. ':l', P .. ':n', P .. ':d', P .. ':w')
"""
)

COUNTERS = _COMMON + "return figures()"

SCRIPTS = {
    "put": PUT,
    "get": GET,
    "acknowledge": ACKNOWLEDGE,
    "attach": ATTACH,
    "release": RELEASE,
    "counters": COUNTERS,
    "drop": DROP,
}
"""Name -> text; the last word of what `put` and `get` return is the server's time."""
