// One call of the client that is named, to $BASE: what it sends is compared.

import * as openai from "openai";

const [BASE, CLIENT] = [process.env.BASE, process.argv[2]];
const messages = [{ role: "user", content: "Hello" }];
const headers = { "Helicone-User-Id": "alice", "X-Zebra": "1" };

if (CLIENT === "page") {
  const configuration = new openai.Configuration({ apiKey: "key", basePath: BASE + "/v1", baseOptions: { headers } });
  await new openai.OpenAIApi(configuration).createChatCompletion({ model: "gpt-4", messages });
} else {
  const client = new openai.default({ apiKey: "key", baseURL: BASE + "/v1", maxRetries: 0 });
  await client.chat.completions.create({ model: "gpt-5-mini", messages }, { headers });
}
