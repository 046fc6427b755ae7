"""The original page's ways of naming the user, with the `openai` package of its time."""

import openai
from expect import ALICE, ANSWER, KEY, PROXY, expect

openai.api_key = KEY
openai.api_base = PROXY + "/v1"
MODEL = "text-davinci-003"

# The body's parameter.
answer = openai.Completion.create(model=MODEL, prompt="How do I enable user-metrics?", user="alicebob@gmail.com")
assert answer.choices[0].text == ANSWER
expect(ALICE, "completions", MODEL, source="body")

# The header.
answer = openai.Completion.create(
    model=MODEL,
    prompt="How do I enable user-metrics?",
    headers={
        "Helicone-User-Id": "alicebob@gmail.com",
    },
)
assert answer.usage.completion_tokens == 14
expect(ALICE, "completions", MODEL)

# The header wins.
openai.Completion.create(model=MODEL, prompt="both", user="mallory", headers={"Helicone-User-Id": ALICE})
expect(ALICE, "completions", MODEL)

messages = [{"role": "user", "content": "Hello"}]
answer = openai.ChatCompletion.create(model="gpt-4", messages=messages, user="page-python")
assert answer.choices[0].message.content == ANSWER
expect("page-python", "chat.completions", "gpt-4", source="body")

# It had no way to ask for a stream's usage.
stream = openai.ChatCompletion.create(model="gpt-4", messages=messages, user="page-python", stream=True)
assert "".join(chunk.choices[0].delta.get("content", "") for chunk in stream) == ANSWER
expect("page-python", "chat.completions", "gpt-4", source="body", stream=True, usage="absent")

embedding = openai.Embedding.create(model="text-embedding-ada-002", input="Hello", user="page-python")
assert list(embedding.data[0].embedding) == [0.25, -0.5, 1.0]
expect("page-python", "embeddings", "text-embedding-ada-002", source="body")

try:
    openai.ChatCompletion.create(model="no-such-model", messages=messages, user="page-python")
    raise AssertionError("the model is not known")
except openai.error.InvalidRequestError as error:
    assert error.code == "model_not_found"
expect("page-python", "chat.completions", "no-such-model", source="body", status=404, outcome="failed", usage="absent")
