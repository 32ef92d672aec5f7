-- free: ends the lease of another replica that was not heard for a while.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica and what it has seen, 3 the replica that is to be freed, 4 for how
--       long it must not have been heard, ms
-- Result { nonce, verdict, its running requests, ms since it was last heard }
--       verdict: 1 freed, 0 it lives, -1 it is not known
--
-- The state of the replica becomes one that is older than what it has seen: where it lives
-- all the same, whatever it sends next enrols it anew, and it writes again what it runs (see
-- replica.lua). What is known of its batches and charges stays, so that late copies are
-- refused as before.

local m = join(KEYS[1])
local state = redis.call('HGET', m.key, 'r:' .. ARGV[3])
if not state then return { ARGV[1] + 0, -1, 0, 0 } end
local lasts, running = ends(m, state)
local heard = max(0, LEASE - lasts)
local batch, lowest, stamp, marks = state:match('^%d+ %d+ (%d+) (%d+) @%d+ (%d+) %d+(.*)$')
if not batch or ARGV[3] == me or heard < ARGV[4] + 0 then return { ARGV[1] + 0, 0, running, heard } end
local ended = format('%d 0 %s %s @%d %s 0', min(now, now + lasts), batch, lowest, min(m.clock, m.clock + lasts), stamp)
redis.call('HSET', m.key, 'r:' .. ARGV[3], ended .. marks)
return { ARGV[1] + 0, 1, lasts > 0 and running or 0, heard }
