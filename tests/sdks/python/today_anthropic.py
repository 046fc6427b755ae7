"""Today's `anthropic` package."""

import asyncio

import anthropic
from expect import ANSWER, KEY, PROXY, expect, user_header

client = anthropic.Anthropic(api_key=KEY, base_url=PROXY, max_retries=0)
MODEL = "claude-haiku-4-5"
MESSAGES = [{"role": "user", "content": "Hello"}]
TOOLS = [{"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
OPTIONS = {"model": MODEL, "max_tokens": 64, "messages": MESSAGES}

# By the body's field, and by the header.
message = client.messages.create(**OPTIONS, metadata={"user_id": "claude-body"})
assert message.content[0].text == ANSWER and message.usage.output_tokens == 14
expect("claude-body", "messages", MODEL, source="body")
message = client.messages.create(**OPTIONS, extra_headers=user_header("claude-header"))
expect("claude-header", "messages", MODEL)

with client.messages.stream(**OPTIONS, metadata={"user_id": "claude-stream"}) as stream:
    assert "".join(stream.text_stream) == ANSWER
    assert stream.get_final_message().usage.output_tokens == 14
expect("claude-stream", "messages", MODEL, source="body", stream=True)

# Tool calls: the call, and the answer to its result; whole and streamed.
tools = {**OPTIONS, "tools": TOOLS, "metadata": {"user_id": "claude-tools"}}
message = client.messages.create(**tools)
call = message.content[0]
assert (message.stop_reason, call.input) == ("tool_use", {"city": "Oslo"})
expect("claude-tools", "messages", MODEL, source="body")
result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
asked = {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]}
tools["messages"] = [*MESSAGES, asked, {"role": "user", "content": [result]}]
assert client.messages.create(**tools).content[0].text == ANSWER
expect("claude-tools", "messages", MODEL, source="body")
with client.messages.stream(**{**tools, "messages": MESSAGES}) as stream:
    assert stream.get_final_message().content[0].input == {"city": "Oslo"}
expect("claude-tools", "messages", MODEL, source="body", stream=True)

failed = {"outcome": "failed", "usage": "absent", "source": "body"}
errors = {**OPTIONS, "metadata": {"user_id": "claude-errors"}}
try:
    client.messages.create(**{**errors, "model": "no-such-model"})
    raise AssertionError("the model is not known")
except anthropic.NotFoundError:
    pass
expect("claude-errors", "messages", "no-such-model", status=404, **failed)
try:
    client.with_options(max_retries=1).messages.create(**{**errors, "model": "rate-limited"})
    raise AssertionError("there were too many")
except anthropic.RateLimitError:
    pass
for _ in range(2):
    expect("claude-errors", "messages", "rate-limited", status=429, **failed)

try:
    client.messages.create(**{**errors, "model": "silent"}, timeout=0.5)
    raise AssertionError("nobody answers")
except anthropic.APITimeoutError:
    pass
expect("claude-errors", "messages", "silent", status=None, source="body", outcome="cancelled", usage="absent")

# The client goes away in the middle: what the stream has told by then is not the whole.
with client.messages.stream(**{**OPTIONS, "model": "endless"}, metadata={"user_id": "claude-away"}) as stream:
    for number, _ in enumerate(stream.text_stream):
        if number == 5:
            break
expect("claude-away", "messages", "endless", source="body", stream=True, outcome="aborted", usage="partial")


async def many():
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=PROXY, max_retries=0) as client:
        users = [f"claude-many-{number % 8}" for number in range(64)]
        calls = (client.messages.create(**OPTIONS, metadata={"user_id": user}) for user in users)
        answers = await asyncio.gather(*calls)
    assert [answer.content[0].text for answer in answers] == [ANSWER] * 64
    for user in users:
        expect(user, "messages", MODEL, source="body")


asyncio.run(many())
