cat records/*.jsonl | jq -s -r 'map(select(.user)) | group_by(.user) | map([.[0].user, length,
  (map(.input_tokens // 0) | add), (map(.output_tokens // 0) | add), (map(.cost_usd // 0) | add),
  (map(.time[:10]) | unique | length), (map(.time) | min), (map(.time) | max)])
  | sort_by(-.[4])[] | @tsv'
