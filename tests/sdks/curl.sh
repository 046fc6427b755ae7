# curl, as the original page prints it and otherwise. `expect` tells what the records must say.
set -euo pipefail

KEY=sk-secret-of-the-caller
ANSWER='Forty-two, as far as anybody has been able to work it out so far.'

# expect USER SOURCE API MODEL STREAM STATUS OUTCOME USAGE
expect() {
    printf '{"user":"%s","user_source":"%s","api":"%s","model":"%s","stream":%s,"status":%s,"outcome":"%s","usage_state":"%s"}\n' \
        "$@" >>"$EXPECTED/curl.jsonl"
}

# call PATH CURL-OPTION...
call() {
    local path=$1
    shift
    curl --silent --show-error --no-buffer "$PROXY$path" \
        -H 'Content-Type: application/json' \
        -H "Authorization: Bearer $KEY" \
        "$@"
}

# The page's command: the id in literal quotes, and a comma too many in the body, which OpenAI refuses.
call /v1/completions \
    -H 'Helicone-User-Id: "alicebob@gmail.com"' \
    -d '{
    "model": "text-davinci-003",
    "prompt": "How do I enable user-metrics?",
}' | grep -q '"not JSON"'
expect alicebob@gmail.com header completions text-davinci-003 false 400 failed absent

# The same without the comma, and by the body's parameter with it.
call /v1/completions \
    -H 'Helicone-User-Id: "alicebob@gmail.com"' \
    -d '{"model": "text-davinci-003", "prompt": "How do I enable user-metrics?"}' | grep -qF "$ANSWER"
expect alicebob@gmail.com header completions text-davinci-003 false 200 completed reported
call /v1/completions -d '{
    "model": "text-davinci-003",
    "prompt": "How do I enable user-metrics?",
    "user": "alicebob@gmail.com",
}' | grep -q '"not JSON"'
expect alicebob@gmail.com body completions text-davinci-003 false 400 failed absent

chat='{"model": "gpt-5-mini", "messages": [], "user": "curl", "stream": false}'
stream='{"model": "gpt-5-mini", "messages": [], "user": "curl", "stream": true, "stream_options": {"include_usage": true}}'
for version in --http1.1 --http2-prior-knowledge --http1.0; do
    call /v1/chat/completions "$version" -d "$chat" | grep -qF "$ANSWER"
    expect curl body chat.completions gpt-5-mini false 200 completed reported
    call /v1/chat/completions "$version" -d "$stream" | grep -qF '[DONE]'
    expect curl body chat.completions gpt-5-mini true 200 completed reported
done

call /v1/embeddings -d '{"model": "text-embedding-3-small", "input": "Hello", "user": "curl"}' | grep -q '"embedding":\[0.25,'
expect curl body embeddings text-embedding-3-small false 200 completed reported
call /v1/responses -d '{"model": "gpt-5-mini", "input": "Hello", "user": "curl"}' | grep -qF "$ANSWER"
expect curl body responses gpt-5-mini false 200 completed reported
call /v1/responses -d '{"model": "gpt-5-mini", "input": "Hello", "user": "curl", "stream": true}' | grep -q 'response.completed'
expect curl body responses gpt-5-mini true 200 completed reported
call /v1/messages -d '{"model": "claude-haiku-4-5", "messages": [], "metadata": {"user_id": "curl"}}' | grep -qF "$ANSWER"
expect curl body messages claude-haiku-4-5 false 200 completed reported

# 64 at once.
for number in {1..64}; do
    call /v1/chat/completions -d "$stream" >/dev/null &
done
wait
for number in {1..64}; do
    expect curl body chat.completions gpt-5-mini true 200 completed reported
done

# An answer that comes compressed.
call /v1/chat/completions --compressed -d "$chat" | grep -qF "$ANSWER"
expect curl body chat.completions gpt-5-mini false 200 completed reported

# A body that is sent in chunks, and one for which curl waits for `100 Continue`.
printf '%s' "$chat" | call /v1/chat/completions -H 'Transfer-Encoding: chunked' -d @- | grep -qF "$ANSWER"
expect curl body chat.completions gpt-5-mini false 200 completed reported
{
    printf '{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "'
    head -c 1500000 /dev/zero | tr '\0' 'x'
    printf '"}], "user": "curl"}'
} | call /v1/chat/completions -H 'Expect: 100-continue' --data-binary @- | grep -qF "$ANSWER"
expect curl body chat.completions gpt-5-mini false 200 completed reported

# Time runs out before there is an answer, and in the middle of one.
! call /v1/chat/completions --max-time 0.5 -d '{"model": "silent", "user": "curl"}' 2>/dev/null
expect curl body chat.completions silent false null cancelled absent
! call /v1/chat/completions --max-time 0.5 -d '{"model": "endless", "user": "curl", "stream": true}' >/dev/null 2>&1
expect curl body chat.completions endless true 200 aborted absent
