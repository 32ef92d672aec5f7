-- view: where a user stands. Writes nothing.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3 the user's account
--       (absent where only the model is asked about)
-- ARGV  1 nonce, 2 replica and what it has seen
--       3 rings that are counted of the user, 4 of the model, two letters each
-- Result { nonce, now, running, user's running, then per ring, the user's first:
--       sum, what requests that are running hold of it, ms until empty }

local m = join(KEYS[1])
local rules = {}
local user = KEYS[3] and open(KEYS[3], ARGV[3], rules)
local model = open(KEYS[2], ARGV[4], rules)

local running, ids = live(m)

-- hold notes in a what requests that are running hold of it, by meter, and
-- returns how many they are.
local function hold(a)
  local n, input, output, requests = holdings(a, ids)
  a.holding = { t = input + output, i = input, o = output, r = requests }
  return n
end
hold(model)
local ofUser = user and hold(user) or 0

local result = { tonumber(ARGV[1]), now, running, ofUser }
for i, r in ipairs(rules) do
  local n = 1 + 3 * i
  result[n + 1], result[n + 2], result[n + 3] = r.sum, r.account.holding[r.meter], reset(r)
end
return result
