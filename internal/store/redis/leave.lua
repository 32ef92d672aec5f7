-- leave: ends the lease of a replica that serves the model no more. What is known of
-- it stays, so that what comes late is known for what it is.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica and what it has seen
-- Result { nonce }
--
-- Invariant: a replica with running requests keeps its lease: it has begun to serve
-- the model again.

local m = join(KEYS[1])
if m.enrolled and m.running == 0 then
  enrol(m, {}, 0)
end
return { tonumber(ARGV[1]) }
