"""Today's `google-genai` package. Gemini's API has no field for an end user, so that the header names them."""

import asyncio

from expect import ANSWER, KEY, PROXY, expect, user_header
from google import genai
from google.genai import errors, types

MODEL = "gemini-2.5-flash"


# A client that nobody holds closes itself under its `models`.
clients = []


def models_of(user, **options):
    options = types.HttpOptions(base_url=PROXY, headers=user_header(user), **options)
    clients.append(genai.Client(api_key=KEY, http_options=options))
    return clients[-1].models


models = models_of("gemini-chat")
answer = models.generate_content(model=MODEL, contents="Hello")
assert answer.text == ANSWER and answer.usage_metadata.thoughts_token_count == 4
expect("gemini-chat", "generateContent", MODEL)
chunks = models.generate_content_stream(model=MODEL, contents="Hello")
assert "".join(chunk.text or "" for chunk in chunks) == ANSWER
expect("gemini-chat", "generateContent", MODEL, stream=True)

# Gemini does not say what embeddings have used.
embedding = models.embed_content(model="gemini-embedding-001", contents="Hello")
assert embedding.embeddings[0].values == [0.25, -0.5, 1.0]
expect("gemini-chat", "embeddings", "gemini-embedding-001", usage="absent")

weather = types.FunctionDeclaration(name="weather", parameters_json_schema={"type": "object", "properties": {}})
tools = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])])
models = models_of("gemini-tools")
answer = models.generate_content(model=MODEL, contents="Hello", config=tools)
assert answer.function_calls[0].args == {"city": "Oslo"}
expect("gemini-tools", "generateContent", MODEL)
contents = [
    types.Content(role="user", parts=[types.Part.from_text(text="Hello")]),
    answer.candidates[0].content,
    types.Content(role="user", parts=[types.Part.from_function_response(name="weather", response={"sky": "rain"})]),
]
assert models.generate_content(model=MODEL, contents=contents, config=tools).text == ANSWER
expect("gemini-tools", "generateContent", MODEL)

try:
    models_of("gemini-errors").generate_content(model="no-such-model", contents="Hello")
    raise AssertionError("the model is not known")
except errors.ClientError as error:
    assert error.code == 404
expect("gemini-errors", "generateContent", "no-such-model", status=404, outcome="failed", usage="absent")

try:
    models_of("gemini-timeout", timeout=500).generate_content(model="silent", contents="Hello")
    raise AssertionError("nobody answers")
except Exception as error:  # The package passes on what its transport raises.
    assert "Timeout" in type(error).__name__, error
expect("gemini-timeout", "generateContent", "silent", status=None, outcome="cancelled", usage="absent")

# The client goes away in the middle.
stream = models_of("gemini-away").generate_content_stream(model="endless", contents="Hello")
for number, _ in enumerate(stream):
    if number == 5:
        break
stream.close()
expect("gemini-away", "generateContent", "endless", stream=True, outcome="aborted", usage="partial")


async def many():
    for number in range(8):
        models_of(f"gemini-many-{number}")
    many = [client.aio.models for client in clients[-8:]]
    calls = (many[number % 8].generate_content(model=MODEL, contents="Hello") for number in range(64))
    answers = await asyncio.gather(*calls)
    assert [answer.text for answer in answers] == [ANSWER] * 64
    for number in range(64):
        expect(f"gemini-many-{number % 8}", "generateContent", MODEL)


asyncio.run(many())
