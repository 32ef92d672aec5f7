-- topup: charges more for a running request, or nothing.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3 the user's account
--       (absent where nothing limits users)
-- ARGV  1 number of this charge, 2 replica
--       3-5 input tokens, output tokens, requests
--       6 rings of the user's rules, 7 of the model's, two letters each
--       8- of each rule, the user's first: the admissible maximum, and how
--          far this top-up may take the sum
-- Result { number, verdict, debt in tokens, user's time, model's time }
--       verdict: 1 granted, 0 denied, -1 refused (given up before it came)
--
-- Invariant: a verdict other than 1 changes no counter.

local number, more = ARGV[1], amount(3)
local m = member(KEYS[1])
if refused(m, number) then return { tonumber(number), -1 } end

local model = open(KEYS[2], ARGV[7])
local user = KEYS[3] and open(KEYS[3], ARGV[6])

local granted, debt = true, 0
eachRule(model, user, function(a, r, i)
  local sum, need = a.values[r.name], more[r.meter]
  local admissible, bound = tonumber(ARGV[6 + 2 * i]), tonumber(ARGV[7 + 2 * i])
  if need == 0 or sum + need <= admissible then return end
  if sum + need > bound then granted = false end
  debt = max(debt, sum + need - max(sum, admissible))
end)

if not granted then
  rebase(user)
  rebase(model)
  return { tonumber(number), 0, 0 }
end
grantAll(m, model, user, number, 0, more)
return { tonumber(number), 1, debt, user and user.at or 0, (model.last or model.rules > 0) and model.at or 0 }
