-- Bulk: commands with more fields than Lua's stack may carry at once.

local CHUNK = 2000

-- fetch returns the values of the fields of the hash at key.
local function fetch(key, fields)
  local all = {}
  for i = 0, #fields - 1, CHUNK do
    local part = redis.call('HMGET', key, unpack(fields, i + 1, math.min(i + CHUNK, #fields)))
    for j = 1, #part do all[i + j] = part[j] end
  end
  return all
end

-- discard deletes fields of the hash at key.
local function discard(key, fields)
  for i = 0, #fields - 1, CHUNK do
    redis.call('HDEL', key, unpack(fields, i + 1, math.min(i + CHUNK, #fields)))
  end
end
