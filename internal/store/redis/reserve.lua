-- reserve: charges a request's price under every rule, or nothing.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3 the user's account, 4 the list of
--       the model's users
-- ARGV  1 number of this charge, 2 replica and what it has seen
--       3-5 input tokens, output tokens, requests
--       6 running requests that the model may have, 7 those that the user may
--         have (-1: any number)
--       8 rings that are counted of the user, 9 of the model, two letters each
--       10- admissible maximum of each, the user's first
-- Result { number, verdict, now, user's time, model's time, running, user's
--       running, then per ring: sum, ms until empty, ms until the price
--       fits (-1: it does), and at the end the replica's enrolment and the highest
--       number of a call }
--       verdict: 1 admitted, 0 denied, -1 refused (given up before it came);
--       running: -1 where it is not limited
--
-- Invariant: a verdict other than 1 changes no counter. It writes nothing at
-- all, but an account's clock where the server's has stepped back.

local UNLIMITED = -1
local number, need = ARGV[1], amount(3)
local maxRunning, maxOfUser = ARGV[6] + 0, ARGV[7] + 0
local m = join(KEYS[1])
if refuses(m, number) then return { number + 0, -1 } end

local rules = {}
local user = open(KEYS[3], ARGV[8], rules)
local model = open(KEYS[2], ARGV[9], rules)

local running, ofUser = -1, -1
if maxRunning ~= UNLIMITED or maxOfUser ~= UNLIMITED then
  local ids
  running, ids = live(m)
  if maxOfUser ~= UNLIMITED then ofUser = holdings(user, ids) end
end
local admitted = (maxRunning == UNLIMITED or running < maxRunning) and (maxOfUser == UNLIMITED or ofUser < maxOfUser)

local excesses = {}
for i = 1, #rules do
  local r = rules[i]
  excesses[i] = r.sum + need[r.meter] - ARGV[9 + i]
  if excesses[i] > 0 then admitted = false end
end

local userAt, modelAt = 0, 0
if admitted then
  userAt, modelAt = grant(m, model, user, number, 1, need)
else
  rebase(user)
  rebase(model)
end

local result = { number + 0, admitted and 1 or 0, now, userAt, modelAt, running, ofUser }
for i = 1, #rules do
  local r, n = rules[i], 4 + 3 * i
  result[n + 1], result[n + 2] = r.sum, reset(r)
  result[n + 3] = excesses[i] > 0 and wait(r, excesses[i]) or -1
end
result[#result + 1], result[#result + 2] = enrolment + 0, m.last
return result
