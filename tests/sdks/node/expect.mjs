// What the records must say of the calls that are made: one line for each call, in a file of the script's own.

import { appendFileSync } from "node:fs";
import { basename, join } from "node:path";

export const PROXY = process.env.PROXY;
export const ANSWER = "Forty-two, as far as anybody has been able to work it out so far.";
export const KEY = "sk-secret-of-the-caller";
// The page's user, whichever way it is named.
export const ALICE = "alicebob@gmail.com";

const file = join(process.env.EXPECTED, `node-${basename(process.argv[1])}.jsonl`);

export function expect(user, api, model, differs = {}) {
  const record = {
    user,
    user_source: "header",
    api,
    model,
    stream: false,
    status: 200,
    outcome: "completed",
    usage_state: "reported",
    ...differs,
  };
  appendFileSync(file, JSON.stringify(record) + "\n");
}
