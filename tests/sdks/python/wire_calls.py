"""One call of the client that is named, to $BASE: what it sends is compared."""

import os
import sys

BASE, CLIENT = os.environ["BASE"], sys.argv[1]
MESSAGES = [{"role": "user", "content": "Hello"}]
HEADERS = {"Helicone-User-Id": "alice", "X-Zebra": "1"}

if CLIENT == "openai-page":
    import openai

    openai.api_key, openai.api_base = "key", BASE + "/v1"
    openai.ChatCompletion.create(model="gpt-4", messages=MESSAGES, headers=HEADERS)
elif CLIENT == "openai":
    import openai

    client = openai.OpenAI(api_key="key", base_url=BASE + "/v1", max_retries=0)
    client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES, extra_headers=HEADERS)
elif CLIENT == "anthropic":
    import anthropic

    client = anthropic.Anthropic(api_key="key", base_url=BASE, max_retries=0)
    client.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=MESSAGES, extra_headers=HEADERS)
elif CLIENT == "google":
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="key", http_options=types.HttpOptions(base_url=BASE, headers=HEADERS))
    client.models.generate_content(model="gemini-2.5-flash", contents="Hello")
else:
    sys.exit(f"no such client: {CLIENT}")
