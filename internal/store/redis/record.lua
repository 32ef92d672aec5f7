-- Records: what is kept of charges until they are settled, in the replicas' hash.
--
-- A record is the field g:REPLICA:NUMBER, named by the number of the charge that made
-- it: "running last enrolment;charge;charge...", the newest charge first. running: 1
-- where it took a running slot, else 0; last: the number of the top-up that was added
-- last, 0 where there is none or it was undone. A charge is "user model input output
-- requests": the times of the accounts when they were charged, ms (0: not charged),
-- and the amount.
--
-- Expects account.lua; that join was called.
--
-- Invariant: a record has no more charges than there are slots that still count.
-- Charges that will give back alike for ever are one: see merge.lua.

-- record is the field of the record that the charge of the calling replica made.
local function record(number) return 'g:' .. me .. ':' .. number end

-- written returns the text of a charge.
local function written(c)
  return format('%d %d %d %d %d', c.user, c.model, c.amount.i, c.amount.o, c.amount.r)
end

-- headed returns what the text of a record begins with.
local function headed(running, last) return format('%d %s %s', running, last, enrolment) end

-- recorded returns the text of record r.
local function recorded(r)
  local parts = { headed(r.running, r.last) }
  for i, c in ipairs(r.charges) do parts[i + 1] = written(c) end
  return table.concat(parts, ';')
end

-- split returns what the text of a record says up to its newest charge, and the rest.
local function split(text) return text:match('^(%d) (%d+) (%d+);(%d+) (%d+) (%d+) (%d+) (%d+)(.*)$') end

-- valid reports whether read finds a record in text.
local function valid(text) return text and text:match('^%d %d+ (%d+);') == enrolment end

-- read returns the record that text is; nil where there is none, or it is void.
local function read(text)
  if not text then return nil end
  local running, last, stamp, user, model, i, o, q, rest = split(text)
  if stamp ~= enrolment then return nil end
  local charges = { { user = user + 0, model = model + 0, amount = { t = i + o, i = i + 0, o = o + 0, r = q + 0 } } }
  if rest ~= '' then
    for user, model, i, o, q in rest:gmatch('(%d+) (%d+) (%d+) (%d+) (%d+)') do
      charges[#charges + 1] = { user = user + 0, model = model + 0, amount = { t = i + o, i = i + 0, o = o + 0, r = q + 0 } }
    end
  end
  return { running = running + 0, last = last, charges = charges }
end
