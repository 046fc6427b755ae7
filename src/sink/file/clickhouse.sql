SELECT user, count() AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       sum(cost_usd) AS cost_usd, uniqExact(toDate(time, 'UTC')) AS active_days, min(time) AS first_seen, max(time) AS last_seen
FROM file('records/*.jsonl*', 'JSONEachRow', 'time DateTime64(6, \'UTC\'), user Nullable(String),
       input_tokens Nullable(UInt64), output_tokens Nullable(UInt64), cost_usd Nullable(Decimal(38, 12))')
WHERE user IS NOT NULL GROUP BY user ORDER BY cost_usd DESC
SETTINGS date_time_input_format = 'best_effort';
