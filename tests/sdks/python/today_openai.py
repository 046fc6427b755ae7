"""Today's `openai` package."""

import asyncio

import openai
from expect import ALICE, ANSWER, KEY, PROXY, expect, user_header

client = openai.OpenAI(api_key=KEY, base_url=PROXY + "/v1", max_retries=0)
MODEL = "gpt-5-mini"
MESSAGES = [{"role": "user", "content": "Hello"}]
TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]


def chat(user, **options):
    options = {"model": MODEL, "messages": MESSAGES, **options}
    return client.chat.completions.create(extra_headers=user_header(user), **options)


def text(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


# The page's ways, as they are written now.
completion = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hello", user="alicebob@gmail.com")
assert completion.choices[0].text == ANSWER
expect(ALICE, "completions", "gpt-3.5-turbo-instruct", source="body")
answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, user="alicebob@gmail.com")
assert answer.choices[0].message.content == ANSWER
expect(ALICE, "chat.completions", MODEL, source="body")
chat("alicebob@gmail.com")
expect(ALICE, "chat.completions", MODEL)
of_alice = client.with_options(default_headers={"Helicone-User-Id": "alicebob@gmail.com"})
of_alice.chat.completions.create(model=MODEL, messages=MESSAGES)
expect(ALICE, "chat.completions", MODEL)
client.chat.completions.create(model=MODEL, messages=MESSAGES, safety_identifier="py-safety")
expect("py-safety", "chat.completions", MODEL, source="body")

# Streams, with their usage and without.
stream = chat("py-stream", stream=True, stream_options={"include_usage": True})
chunks = list(stream)
assert text(chunks) == ANSWER and chunks[-1].usage.completion_tokens == 14
expect("py-stream", "chat.completions", MODEL, stream=True)
assert text(chat("py-stream", stream=True)) == ANSWER
expect("py-stream", "chat.completions", MODEL, stream=True, usage="absent")

# Tool calls: the call, and the answer to its result; whole and streamed.
answer = chat("py-tools", tools=TOOLS)
call = answer.choices[0].message.tool_calls[0]
assert (answer.choices[0].finish_reason, call.function.name) == ("tool_calls", "weather")
expect("py-tools", "chat.completions", MODEL)
result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
asked = {"role": "assistant", "tool_calls": [call.model_dump()]}
answer = chat("py-tools", tools=TOOLS, messages=[*MESSAGES, asked, result])
assert answer.choices[0].message.content == ANSWER
expect("py-tools", "chat.completions", MODEL)
chunks = list(chat("py-tools", tools=TOOLS, stream=True, stream_options={"include_usage": True}))
assert chunks[0].choices[0].delta.tool_calls[0].function.arguments == '{"city":"Oslo"}'
expect("py-tools", "chat.completions", MODEL, stream=True)

# Embeddings: the package asks for base64.
embedding = client.embeddings.create(model="text-embedding-3-small", input="Hello", user="py-embeddings")
assert embedding.data[0].embedding == [0.25, -0.5, 1.0]
expect("py-embeddings", "embeddings", "text-embedding-3-small", source="body")

# Responses: whole, streamed, with a tool.
response = client.responses.create(model=MODEL, input="Hello", user="py-responses")
assert response.output_text == ANSWER and response.usage.output_tokens == 14
expect("py-responses", "responses", MODEL, source="body")
with client.responses.stream(model=MODEL, input="Hello", user="py-responses") as stream:
    deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
assert "".join(deltas) == ANSWER
expect("py-responses", "responses", MODEL, source="body", stream=True)
tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}, "strict": False}
response = client.responses.create(
    model=MODEL, input=[{"role": "user", "content": "Hello"}], tools=[tool], user="py-responses"
)
assert response.output[0].name == "weather"
expect("py-responses", "responses", MODEL, source="body")

# Errors, and a retry of the package's own: one record for each attempt.
try:
    chat("py-errors", model="no-such-model")
    raise AssertionError("the model is not known")
except openai.NotFoundError as error:
    assert error.code == "model_not_found"
expect("py-errors", "chat.completions", "no-such-model", status=404, outcome="failed", usage="absent")
try:
    client.with_options(max_retries=1).chat.completions.create(
        model="rate-limited", messages=MESSAGES, extra_headers=user_header("py-errors")
    )
    raise AssertionError("there were too many")
except openai.RateLimitError:
    pass
for _ in range(2):
    expect("py-errors", "chat.completions", "rate-limited", status=429, outcome="failed", usage="absent")

# Time runs out before there is an answer.
try:
    chat("py-timeout", model="silent", timeout=0.5)
    raise AssertionError("nobody answers")
except openai.APITimeoutError:
    pass
expect("py-timeout", "chat.completions", "silent", status=None, outcome="cancelled", usage="absent")

# The client goes away in the middle.
with chat("py-away", model="endless", stream=True) as stream:
    for number, _ in enumerate(stream):
        if number == 5:
            break
expect("py-away", "chat.completions", "endless", stream=True, outcome="aborted", usage="absent")


# Many at once.
async def one_of_many(client, user):
    stream = await client.chat.completions.create(
        model=MODEL, messages=MESSAGES, user=user, stream=True, stream_options={"include_usage": True}
    )
    return text([chunk async for chunk in stream])


async def many():
    async with openai.AsyncOpenAI(api_key=KEY, base_url=PROXY + "/v1", max_retries=0) as client:
        users = [f"py-many-{number % 8}" for number in range(64)]
        answers = await asyncio.gather(*(one_of_many(client, user) for user in users))
    assert answers == [ANSWER] * 64
    for user in users:
        expect(user, "chat.completions", MODEL, source="body", stream=True)


asyncio.run(many())
