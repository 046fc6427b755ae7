// Today's `openai` package.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { ALICE, ANSWER, KEY, PROXY, expect } from "./expect.mjs";

const client = new OpenAI({ apiKey: KEY, baseURL: PROXY + "/v1", maxRetries: 0 });
const MODEL = "gpt-5-mini";
const messages = [{ role: "user", content: "Hello" }];
const body = { user_source: "body" };
const stream = { stream: true };
const absent = { usage_state: "absent" };
const withUsage = { stream_options: { include_usage: true } };
const as = (user) => ({ headers: { "Helicone-User-Id": user } });

async function text(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

// The page's ways, as they are written now.
const completion = await client.completions.create({ model: MODEL, prompt: "Hello", user: "alicebob@gmail.com" });
assert.equal(completion.choices[0].text, ANSWER);
expect(ALICE, "completions", MODEL, body);
await client.chat.completions.create({ model: MODEL, messages }, as("alicebob@gmail.com"));
expect(ALICE, "chat.completions", MODEL);
const ofAlice = new OpenAI({
  apiKey: KEY,
  baseURL: PROXY + "/v1",
  defaultHeaders: { "Helicone-User-Id": "alicebob@gmail.com" },
});
const answer = await ofAlice.chat.completions.create({ model: MODEL, messages });
assert.equal(answer.choices[0].message.content, ANSWER);
expect(ALICE, "chat.completions", MODEL);

// Streams, with their usage and without.
assert.equal(await text(await client.chat.completions.create({ model: MODEL, messages, user: "js-stream", ...stream, ...withUsage })), ANSWER);
expect("js-stream", "chat.completions", MODEL, { ...body, ...stream });
assert.equal(await text(await client.chat.completions.create({ model: MODEL, messages, user: "js-stream", ...stream })), ANSWER);
expect("js-stream", "chat.completions", MODEL, { ...body, ...stream, ...absent });

// Tool calls: the call, and the answer to its result.
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }];
const asked = (await client.chat.completions.create({ model: MODEL, messages, tools, user: "js-tools" })).choices[0].message;
assert.equal(asked.tool_calls[0].function.name, "weather");
expect("js-tools", "chat.completions", MODEL, body);
const result = { role: "tool", tool_call_id: asked.tool_calls[0].id, content: "rain" };
const told = await client.chat.completions.create({ model: MODEL, messages: [...messages, asked, result], tools, user: "js-tools" });
assert.equal(told.choices[0].message.content, ANSWER);
expect("js-tools", "chat.completions", MODEL, body);

// Embeddings: the package asks for base64.
const embedding = await client.embeddings.create({ model: "text-embedding-3-small", input: "Hello", user: "js-embeddings" });
assert.deepEqual(Array.from(embedding.data[0].embedding), [0.25, -0.5, 1]);
expect("js-embeddings", "embeddings", "text-embedding-3-small", body);

// Responses: whole and streamed.
const response = await client.responses.create({ model: MODEL, input: "Hello", user: "js-responses" });
assert.equal(response.output_text, ANSWER);
expect("js-responses", "responses", MODEL, body);
let deltas = "";
for await (const event of await client.responses.create({ model: MODEL, input: "Hello", user: "js-responses", ...stream })) {
  if (event.type === "response.output_text.delta") deltas += event.delta;
}
assert.equal(deltas, ANSWER);
expect("js-responses", "responses", MODEL, { ...body, ...stream });

// Errors, and a retry of the package's own: one record for each attempt.
const failed = { ...body, ...absent, outcome: "failed" };
const call = (model, options) => client.chat.completions.create({ model, messages, user: "js-errors" }, options);
await assert.rejects(call("no-such-model"), OpenAI.NotFoundError);
expect("js-errors", "chat.completions", "no-such-model", { ...failed, status: 404 });
await assert.rejects(call("rate-limited", { maxRetries: 1 }), OpenAI.RateLimitError);
for (let attempt = 0; attempt < 2; attempt++) {
  expect("js-errors", "chat.completions", "rate-limited", { ...failed, status: 429 });
}

// Time runs out before there is an answer.
await assert.rejects(call("silent", { timeout: 500 }), OpenAI.APIConnectionTimeoutError);
expect("js-errors", "chat.completions", "silent", { ...body, ...absent, status: null, outcome: "cancelled" });

// The client goes away in the middle.
const endless = await client.chat.completions.create({ model: "endless", messages, user: "js-away", ...stream });
let seen = 0;
for await (const _ of endless) {
  if (++seen === 5) endless.controller.abort();
}
expect("js-away", "chat.completions", "endless", { ...body, ...stream, ...absent, outcome: "aborted" });

// Many at once.
const users = Array.from({ length: 64 }, (_, number) => `js-many-${number % 8}`);
const answers = await Promise.all(
  users.map(async (user) => text(await client.chat.completions.create({ model: MODEL, messages, user, ...stream, ...withUsage }))),
);
assert.deepEqual(answers, users.map(() => ANSWER));
for (const user of users) expect(user, "chat.completions", MODEL, { ...body, ...stream });
