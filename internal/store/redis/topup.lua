-- topup: charges more for a running request, or nothing.
--
-- KEYS  1 the model's replicas, 2 the model's account, 3 the user's account, 4 the list of
--       the model's users
-- ARGV  1 number of this charge, 2 replica and what it has seen
--       3-5 input tokens, output tokens, requests
--       6 rings that are counted of the user, 7 of the model, two letters each
--       8 number of the record that this charge may be added to (0: none)
--       9- of each, the user's first: the admissible maximum, and how
--          far this top-up may take the sum
-- Result { number, verdict, debt in tokens, user's time, model's time, number of the
--       record that the charge is in, the replica's enrolment, the highest number of a
--       call }; where it is denied { number, verdict, 0, 1 where a rule of the model is in
--       the way, else 0 }
--       verdict: 1 granted, 0 denied, -1 refused (given up before it came)
--
-- Invariant: a verdict other than 1 changes no counter.

local number, more = ARGV[1], amount(3)
local m = join(KEYS[1], record(ARGV[8]))
if refuses(m, number) then return { number + 0, -1 } end

local rules = {}
local user = open(KEYS[3], ARGV[6], rules)
local model = open(KEYS[2], ARGV[7], rules)

local granted, ofModel, debt = true, 0, 0
for i = 1, #rules do
  local r = rules[i]
  local need, sum = more[r.meter], r.sum + more[r.meter]
  local admissible, bound = ARGV[7 + 2 * i] + 0, ARGV[8 + 2 * i] + 0
  if need > 0 then
    if sum > bound then
      granted = false
      if r.account == model then ofModel = 1 end
    end
    debt = max(debt, sum - max(r.sum, admissible))
  end
end

if not granted then
  rebase(user)
  rebase(model)
  return { number + 0, 0, 0, ofModel }
end
local userAt, modelAt, part = grant(m, model, user, number, 0, more, function(c)
  if valid(m.extra) then
    return ARGV[8], extend(m.extra, number, c, user, model)
  end
end)
return { number + 0, 1, debt, userAt, modelAt, part + 0, enrolment + 0, m.last }
