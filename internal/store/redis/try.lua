-- try: runs every command that the scripts use, where that changes nothing, so that
-- one which is refused is known before a script has half run.
--
-- KEYS  keys of every kind that the model has, which nothing else uses
-- ARGV  1 nonce, 2 replica, 3- the commands, in the order of their names
-- Result { nonce }, or an error that names the command and the key
--
-- Invariant: the keys do not exist before and after. HSET, which makes one, comes when
-- HDEL has been taken, which undoes that.

-- What each command gets after its key.
local GETS = {
  HGET = { 'try' }, HMGET = { 'try' }, HKEYS = {}, HSCAN = { 0 }, HDEL = { 'try' }, PEXPIRE = { 1000 }, HSET = { 'try', 1 },
}

-- attempt returns the error of a command, or nil.
local function attempt(command, key)
  local result
  if command == 'TIME' then
    result = redis.pcall(command)
  elseif GETS[command] then
    result = redis.pcall(command, key, unpack(GETS[command]))
  else
    result = { err = 'there is no way here to run it in vain' }
  end
  if type(result) == 'table' and result.err then
    return redis.error_reply('REFUSED ' .. command .. ' on ' .. key .. ': ' .. result.err)
  end
end

for _, key in ipairs(KEYS) do
  for i = 3, #ARGV do
    local refused = attempt(ARGV[i], key)
    if refused then return refused end
    if ARGV[i] == 'HSET' then redis.call('HDEL', key, 'try') end
  end
end
return { tonumber(ARGV[1]) }
