-- Transfers of one kobo between random accounts, each from one to another.
local accounts = {}
for id in os.getenv("ACCOUNTS"):gmatch("[^,]+") do
  accounts[#accounts + 1] = id
end
local user_id = os.getenv("USER_ID")
wrk.method = "POST"

function init(args)
  math.randomseed(os.time())
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local from = math.random(#accounts)
  local to = (from + math.random(#accounts - 1) - 1) % #accounts + 1
  if to == from then
    to = to % #accounts + 1
  end
  return wrk.format(nil, nil, nil, string.format(
    '{"from_account_id":"%s","to_account_id":"%s","amount":0.01,"user_id":"%s"}',
    accounts[from], accounts[to], user_id))
end
