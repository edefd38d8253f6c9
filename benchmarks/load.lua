-- One request after another: a new batch each, a new source and visit each or, where their number is
-- given, the same ones in turn; 5,000 pages, a skewed pool of 2,000 user agents. Even requests come from IPv6, odd ones from IPv4.
math.randomseed(7)
local agents = {}
for n = 1, 2000 do
  agents[n] = string.format("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    .. "Chrome/%d.0.%d.%d Safari/537.36", 100 + n % 43, n, n % 200)
end
local run, count, pause, sources = "", 0, 0, 0

init = function(arguments)
  run = arguments[1]  -- A batch sent in an earlier run would be a duplicate.
  count = tonumber(arguments[2])
  pause = tonumber(arguments[3])
  sources = tonumber(arguments[4])
end

delay = function()
  return pause > 0 and math.random(0, 2 * pause) or 0
end

request = function()
  count = count + 1
  -- Squaring skews the pool: a few agents are most of the traffic.
  local source, visits = count, run
  if sources > 0 then
    source, visits = count % sources, string.rep("f", 16)
  end
  local agent = agents[1 + math.floor(1999 * math.random() ^ 2)]
  local address = string.format("131.228.%d.%d", math.floor(source / 250) % 250, source % 250 + 1)
  if source % 2 == 0 then
    address = string.format("2a00:8a00:%x:%x::%x", 4096 + source % 4000, math.floor(source / 4000) % 65000, source % 65000)
  end
  local event = string.format('{"kind":"pageview","url":"ORIGIN/section-%d/page-%d","referrer":"https://www.google.com/"}',
    count % 50, count % 5000)
  local body = string.format('{"site":"SITE","token":"TOKEN","visit":"%s%016x","batch":"%s%016x","events":[%s]}',
    visits, source, run, count, event .. string.rep("," .. event, EVENTS - 1))
  return wrk.format("POST", nil, {["content-type"] = "text/plain", ["origin"] = "ORIGIN",
    ["user-agent"] = agent, ["x-forwarded-for"] = address}, body)
end

done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  print(string.format("requests=%d", summary.requests))
  print(string.format("rate=%.1f", summary.requests / (summary.duration / 1e6)))
  for _, p in ipairs({50, 95, 99}) do
    print(string.format("p%d=%.6f", p, latency:percentile(p) / 1e6))
  end
  print(string.format("bad=%d", bad))
end
