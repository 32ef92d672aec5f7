-- heartbeat: renews the lease of a replica, and forgets replicas whose lease
-- ended long ago. It never sets a count.
--
-- KEYS  1 the model's replicas
-- ARGV  1 nonce, 2 replica
-- Result { nonce }

local m = join(KEYS[1])

-- stale returns the replicas to forget, as a set, and the list of the others.
local function stale()
  local gone, rest = nil, {}
  for id in m.list:gmatch('%S+') do
    local expiry = id ~= me and (redis.call('HGET', m.key, 'r:' .. id) or '0'):match('^%d+')
    if expiry and tonumber(expiry) + FORGET < now then
      gone = gone or {}
      gone[id] = true
    else
      rest[#rest + 1] = id
    end
  end
  return gone, table.concat(rest, ' ')
end

-- forget drops all that the replicas in gone have left.
local function forget(gone)
  local drop = {}
  for _, f in ipairs(redis.call('HKEYS', m.key)) do
    local id = f:match('^[rg]:([^:]+)')
    if id and gone[id] then drop[#drop + 1] = f end
  end
  discard(m.key, drop)
end

local gone, rest = stale()
if gone then
  m.list = rest
  enrol(m, { 'replicas', rest })
  forget(gone)
else
  enrol(m, {})
end
redis.call('PEXPIRE', m.key, ENROLLED)
return { tonumber(ARGV[1]) }
