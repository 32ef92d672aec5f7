-- free: ends the lease of another replica that was not heard for a while.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica and what it has seen, 3 the replica that is to be freed, 4 for how
--       long it must not have been heard, ms
-- Result { nonce, verdict, its running requests, ms since it was last heard }
--       verdict: 1 freed, 0 it lives, -1 it is not known
--
-- Only the lease ends, as by itself: where the replica lives all the same, whatever it sends next
-- renews the lease, and what it runs counts again. Its records and what is known of its batches
-- and charges stay, so that it settles as before.

local m = join(KEYS[1])
local state = redis.call('HGET', m.key, 'r:' .. ARGV[3])
if not state then return { ARGV[1] + 0, -1, 0, 0 } end
local lasts, running = ends(m, state)
local heard = max(0, LEASE - lasts)
local counts, rest = state:match('^%d+ (%d+ %d+ %d+) @%d+ (.*)$')
if not counts or ARGV[3] == me or heard < ARGV[4] + 0 then return { ARGV[1] + 0, 0, running, heard } end
local ended = format('%d %s @%d %s', min(now, now + lasts), counts, min(m.clock, m.clock + lasts), rest)
redis.call('HSET', m.key, 'r:' .. ARGV[3], ended)
return { ARGV[1] + 0, 1, lasts > 0 and running or 0, heard }
