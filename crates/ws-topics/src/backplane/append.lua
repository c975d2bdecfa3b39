-- Appends a message to the stream of a topic, and signals it.
--
-- KEYS: the stream, the epoch of the store.
-- ARGV: the id of this run of the server, the number of messages to keep, the milliseconds to keep
--       the stream, the channel, the topic, the kind of the message, its payload.
--
-- The id of an entry is EPOCH-NUMBER. The numbers of an epoch have no gaps, so a reader can count
-- what was trimmed. A server that restarts may have lost entries, and would give their numbers to
-- others. So each run of the server has a later epoch. A stream that expired begins a later epoch,
-- too.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local store = redis.call('HMGET', KEYS[2], 'run', 'epoch')
local epoch = tonumber(store[2] or 0)
if store[1] ~= ARGV[1] then
    epoch = math.max(now, epoch + 1)
    redis.call('HSET', KEYS[2], 'run', ARGV[1], 'epoch', string.format('%.0f', epoch))
end

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last then
    epoch = math.max(epoch, tonumber(string.match(last[1], '^%d+')))
else
    epoch = math.max(epoch, now)
end

local id = string.format('%.0f', epoch) .. '-*'
id = redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[2], id, ARGV[6], ARGV[7])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return id
