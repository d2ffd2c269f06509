-- Counts one request in every window that KEYS names, as one step; the first that is full ends it. The arithmetic is that
-- of `window.rs`, which judges the answer. Denied requests are not counted.
--
-- KEYS[n]   a hash {i = number of the window since 1970, c = requests in it, p = requests in the one before}
-- ARGV[1]   the time in milliseconds; empty: Redis's own, because the clocks of instances differ
-- ARGV[2n]  how many requests fit; ARGV[2n+1]: the window's length in milliseconds
--
-- Answers {admitted, index, into, current, previous} for each window that was looked at, before the request.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local answers = {}
for n, key in ipairs(KEYS) do
  local max, length = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  local index = math.floor(now / length)
  local into = now - index * length
  local kept = redis.call('HMGET', key, 'i', 'c', 'p')
  local seen, current, previous = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
  if index == seen - 1 then
    index, into = seen, 0
  elseif index ~= seen then
    previous = index == seen + 1 and current or 0
    current = 0
  end
  local used = current + math.floor(previous * (length - into) / length)
  local admitted = used < max
  for _, number in ipairs({admitted and 1 or 0, index, into, current, previous}) do
    answers[#answers + 1] = number
  end
  if not admitted then
    break
  end
  redis.call('HSET', key, 'i', string.format('%d', index), 'c', current + 1, 'p', previous)
  redis.call('PEXPIRE', key, 2 * length)
end
return answers
