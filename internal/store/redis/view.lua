-- view: where a user stands. Writes nothing.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3 the user's account
--       (absent where nothing limits users)
-- ARGV  1 nonce, 2 replica
--       3 rings of the user's rules, 4 of the model's, two letters each
-- Result { nonce, now, running, user's running, then per rule, the user's first:
--       sum, what requests that are running hold of it, ms until empty }

local m = member(KEYS[1])
local model = open(KEYS[2], ARGV[4])
local user = KEYS[3] and open(KEYS[3], ARGV[3])

local running, ids = live(m)
local function holding(a)
  local n, input, output, requests = holdings(a, ids)
  a.held = { t = input + output, i = input, o = output, r = requests }
  return n
end
holding(model)
local ofUser = user and holding(user) or 0

local result = { tonumber(ARGV[1]), now, running, ofUser }
eachRule(model, user, function(a, r)
  local n = #result
  result[n + 1] = a.values[r.name]
  result[n + 2] = a.held[r.meter]
  result[n + 3] = reset(a, r)
end)
return result
