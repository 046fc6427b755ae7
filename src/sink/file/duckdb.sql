SELECT "user", count(*) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       sum(cost_usd) AS cost_usd, count(DISTINCT time::DATE) AS active_days, min(time) AS first_seen, max(time) AS last_seen
FROM read_json('records/*.jsonl*', format = 'newline_delimited', columns = {
       id: 'UUID', time: 'TIMESTAMP', "user": 'VARCHAR', input_tokens: 'UBIGINT', output_tokens: 'UBIGINT',
       cost_usd: 'DECIMAL(38, 12)'})
WHERE "user" IS NOT NULL GROUP BY ALL ORDER BY cost_usd DESC NULLS LAST;
