// The original page's ways of naming the user, with the `openai` package of its time.

import assert from "node:assert/strict";
import { Configuration, OpenAIApi } from "openai";
import { ALICE, ANSWER, KEY, PROXY, expect } from "./expect.mjs";

const MODEL = "text-davinci-003";
const body = { user_source: "body" };

// The header.
const configuration = new Configuration({
  apiKey: KEY,
  basePath: PROXY + "/v1",
  baseOptions: {
    headers: {
      "Helicone-User-Id": "alicebob@gmail.com",
    },
  },
});
const openai = new OpenAIApi(configuration);
let answer = await openai.createCompletion({ model: MODEL, prompt: "How do I enable user-metrics?" });
assert.equal(answer.data.choices[0].text, ANSWER);
expect(ALICE, "completions", MODEL);

// The body's parameter.
const plain = new OpenAIApi(new Configuration({ apiKey: KEY, basePath: PROXY + "/v1" }));
answer = await plain.createCompletion({ model: MODEL, prompt: "Hello", user: "alicebob@gmail.com" });
assert.equal(answer.data.usage.completion_tokens, 14);
expect(ALICE, "completions", MODEL, body);

const messages = [{ role: "user", content: "Hello" }];
answer = await plain.createChatCompletion({ model: "gpt-4", messages, user: "page-node" });
assert.equal(answer.data.choices[0].message.content, ANSWER);
expect("page-node", "chat.completions", "gpt-4", body);

// It handed streams out as they came.
const stream = { stream: true };
answer = await plain.createChatCompletion(
  { model: "gpt-4", messages, user: "page-node", ...stream },
  { responseType: "stream" },
);
let text = "";
for await (const piece of answer.data) text += piece;
assert.ok(text.endsWith("data: [DONE]\n\n"));
expect("page-node", "chat.completions", "gpt-4", { ...body, ...stream, usage_state: "absent" });

await assert.rejects(plain.createChatCompletion({ model: "no-such-model", messages, user: "page-node" }), /404/);
expect("page-node", "chat.completions", "no-such-model", {
  ...body,
  status: 404,
  outcome: "failed",
  usage_state: "absent",
});
