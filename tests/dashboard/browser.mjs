// The dashboard in a real browser: everything that people do with it, and that nothing goes wrong meanwhile.
//
// It is started by ./run, which brings what it needs: DASHBOARD (the built example), MODULES (where playwright-core and axe-core
// are), CHROMIUM, and SHOTS (where screenshots go).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

const require = createRequire(join(process.env.MODULES, "/"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = process.env.SHOTS;

const HOSTILE = "<script>alert(1)</script>";
const EMOJI = "\u{1f600}".repeat(64);

const children = [];
let browser, still, moving, many;

/** Starts the example and returns where it is. */
async function start(...options) {
  const child = spawn(process.env.DASHBOARD, ["--listen", "127.0.0.1:0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) return `${line.trim()}/`;
  throw new Error("the example ended before it listened");
}

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  [still, moving, many] = await Promise.all([start("--still"), start(), start("--still", "--users", "100000")]);
  // With a profile of its own, which goes with it.
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
  children.forEach((child) => child.kill());
});

/** Runs `use` with a page of its own, and holds it to a quiet console and to one host. */
async function visit(path, use, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(path).origin) complaints.push(`foreign: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()}: ${response.url()}`);
  });
  try {
    await page.goto(path);
    await use(page, context);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

const json = async (url) => (await fetch(url)).json();
const column = (page, at) => page.locator(`#rows tr > :nth-child(${at})`).allTextContents();
const people = (page) => column(page, 1);
const ids = (answer) => answer.rows.map((row) => row.user);
const heading = (page, name) => page.getByRole("columnheader", { name, exact: true });

describe("the table of users", () => {
  test("is sorted by a column at a click, and the other way round at the next", async () => {
    await visit(`${still}users`, async (page) => {
      await heading(page, "Cost").getByRole("link").click();
      await page.waitForURL(/sort=cost_usd/);
      assert.equal(await heading(page, "Cost").getAttribute("aria-sort"), "descending");
      assert.deepEqual(await people(page), ids(await json(`${still}api/users?sort=cost_usd&limit=50`)));
      await heading(page, "Cost").getByRole("link").click();
      await page.waitForURL(/order=asc/);
      assert.equal(await heading(page, "Cost").getAttribute("aria-sort"), "ascending");
      assert.deepEqual(await people(page), ids(await json(`${still}api/users?sort=cost_usd&order=asc&limit=50`)));
      await heading(page, "User").getByRole("link").click();
      await page.waitForURL(/sort=user/);
      assert.equal((await people(page))[0], HOSTILE);
    });
  });

  test("shows the ids that are searched for, until the filter is taken off", async () => {
    await visit(`${still}users`, async (page) => {
      await page.getByRole("searchbox").fill("CUSTOMER-01");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=CUSTOMER-01/);
      assert.ok((await people(page)).length > 5);
      assert.ok((await people(page)).every((id) => id.startsWith("customer-01")));
      await page.getByRole("link", { name: /Remove the filter/ }).click();
      await page.waitForURL((url) => !url.searchParams.has("q"));
      assert.equal((await people(page)).length, 50);
    });
  });

  test("is filtered by figures and by models", async () => {
    await visit(`${still}users`, async (page) => {
      await page.getByLabel("Column to filter by").selectOption({ label: "Cost" });
      await page.getByLabel("Amount").fill("0.05");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.waitForURL(/value=0.05/);
      const wanted = await json(`${still}api/users?filter=cost_usd%3E%3D0.05&limit=50`);
      assert.ok(wanted.rows.length > 3 && wanted.rows.every((row) => row.cost_usd >= 0.05));
      assert.deepEqual(await people(page), ids(wanted));
      await page.getByRole("combobox", { name: "Model", exact: true }).fill("gpt-5-mini");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.waitForURL(/model=gpt-5-mini/);
      const both = await json(`${still}api/users?filter=cost_usd%3E%3D0.05&model=gpt-5-mini`);
      assert.ok(both.rows.length > 3 && both.rows.length < wanted.rows.length);
      assert.deepEqual(await people(page), ids(both));
      assert.equal(await page.locator(".chips li").count(), 2);
      await page.getByText("More", { exact: true }).click();
      await page.getByLabel("Provider").fill("anthropic");
      await page.getByLabel("Operation").selectOption("chat");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.waitForURL(/provider=anthropic/);
      assert.equal(await page.locator(".chips li").count(), 4);
      assert.equal(await page.locator("#rows .none").count(), 1);
    });
  });

  test("goes from page to page", async () => {
    await visit(`${still}users`, async (page) => {
      await page.getByRole("combobox", { name: "Rows" }).selectOption("25");
      await page.waitForURL(/per=25/);
      assert.equal((await people(page)).length, 25);
      await page.getByRole("link", { name: "Next" }).click();
      await page.waitForURL(/page=2/);
      assert.deepEqual(await people(page), ids(await json(`${still}api/users?offset=25&limit=25`)));
      await page.getByRole("link", { name: "Previous" }).click();
      await page.waitForURL(/page=1/);
      assert.deepEqual(await people(page), ids(await json(`${still}api/users?limit=25`)));
    });
  });

  test("shows the columns that are chosen", async () => {
    await visit(`${still}users`, async (page) => {
      await page.getByText("Columns", { exact: true }).click();
      await page.getByRole("checkbox", { name: "Latency p95" }).check();
      await page.getByRole("checkbox", { name: "Error rate" }).uncheck();
      await page.getByRole("button", { name: "Show these" }).click();
      await page.waitForURL(/columns=latency_p95_us/);
      await heading(page, "Latency p95").waitFor();
      assert.equal(await heading(page, "Error rate").count(), 0);
    });
  });

  test("has a zone, whose days and hours are shown", async () => {
    const utc = await json(`${still}api/users?q=alice`);
    await visit(`${still}users?q=alice`, async (page) => {
      await page.getByRole("button", { name: "Use Australia/Darwin" }).click();
      await page.waitForURL(/zone=Australia/);
      assert.equal(await page.getByRole("combobox", { name: "Zone" }).inputValue(), "Australia/Darwin");
      const shown = (await column(page, 9))[0];
      const local = new Date(Date.parse(utc.rows[0].last_active) + 570 * 60_000).toISOString();
      assert.equal(shown, local.slice(0, 16).replace("T", " "));
      const days = await json(`${still}api/users?q=alice&zone=Australia/Darwin`);
      assert.equal((await column(page, 7))[0], String(days.rows[0].active_days));
    }, { timezoneId: "Australia/Darwin" });
  });

  test("has a range, by name and by dates", async () => {
    await visit(`${still}users`, async (page) => {
      await page.getByRole("combobox", { name: "Range" }).selectOption("7d");
      await page.waitForURL(/range=7d/);
      assert.deepEqual(await people(page), ids(await json(`${still}api/users?range=7d&limit=50`)));
      const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
      await page.getByText("Dates", { exact: true }).click();
      await page.getByLabel("From", { exact: true }).fill(day);
      await page.getByLabel("to", { exact: true }).fill(day);
      await page.getByRole("button", { name: "Apply" }).click();
      await page.waitForURL(/from=/);
      const wanted = await json(`${still}api/users?from=${day}&to=${day}&limit=50`);
      assert.ok(wanted.rows.length > 5);
      assert.deepEqual(await people(page), ids(wanted));
      assert.ok(!page.url().includes("range="));
    });
  });

  test("is exported whole, and the CSV says what the API says", async () => {
    await visit(`${still}users?sort=cost_usd&q=e&per=25`, async (page) => {
      const waiting = page.waitForEvent("download");
      await page.getByRole("link", { name: "CSV" }).click();
      const rows = csv(readFileSync(await (await waiting).path(), "utf8"));
      const answer = await json(`${still}api/users?sort=cost_usd&q=e&limit=1000`);
      assert.ok(answer.matching > 25 && rows.length === answer.matching);
      answer.rows.forEach((row, at) => {
        for (const [name, cell] of Object.entries(rows[at])) {
          const value = Array.isArray(row[name]) ? row[name].join(" ") : (row[name] ?? "");
          // Formulas are defused in CSV; decimals are compared as numbers, since JSON.parse reads them so.
          const wanted = /^[=+\-@]/.test(value) ? `'${value}` : value;
          if (typeof wanted === "number") assert.equal(Number(cell), wanted, name); else assert.equal(cell, wanted, name);
        }
      });
    });
  });
});

/** RFC 4180, into objects by the names of the first line. */
function csv(text) {
  const lines = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|$)/g)) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "\r\n") lines.push([]);
    if (end === "") break;
  }
  const [names, ...rows] = lines.filter((line) => line.length > 1);
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
}

describe("one user", () => {
  test("is a click away, with the range, and the figures of the table", async () => {
    await visit(`${still}users?range=30d`, async (page) => {
      const row = page.locator("#rows tr").filter({ hasText: "alice" });
      const requests = await row.locator(":nth-child(2)").textContent();
      await row.getByRole("link").click();
      await page.waitForURL(/user\?.*id=alice/);
      assert.ok(page.url().includes("range=30d"));
      assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "alice");
      assert.equal(await page.locator("#tiles .figure").first().textContent(), requests);
      assert.equal(await page.locator("svg.plot").count(), 3);
      assert.ok((await page.locator("#models tbody tr").count()) > 1);
    });
  });

  test("can be called anything", async () => {
    for (const id of [HOSTILE, EMOJI]) {
      await visit(`${still}users?per=100`, async (page) => {
        await page.getByRole("link", { name: id, exact: true }).click();
        await page.waitForURL(/user\?/);
        assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), id);
        assert.equal(new URL(page.url()).searchParams.get("id"), id);
        assert.equal(await page.evaluate(() => document.scripts.length), 1);
      });
    }
    assert.equal(Buffer.byteLength(EMOJI), 256);
  });

  test("is copied as JSON", async () => {
    await visit(`${still}user?id=alice`, async (page, context) => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("button", { name: "Copy as JSON" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
      assert.deepEqual(copied, await json(`${still}api/user?id=alice`));
    });
  });

  test("sees only their own where the guard says so", async () => {
    const mine = still.replace("/usage/", "/mine");
    await visit(mine, async (page) => {
      assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "alice");
      assert.deepEqual(await page.getByRole("navigation").getByRole("link").allTextContents(), ["My usage"]);
    });
    assert.equal((await fetch(`${mine}/user?id=carol`)).status, 404);
    assert.equal((await json(`${mine}/api/users`)).matching, 1);
  });
});

describe("figures", () => {
  const requests = (page) => page.locator("#tiles .figure").nth(1).textContent();

  test("move while calls flow, and stand still when they are told to", async () => {
    await visit(`${moving}users`, async (page) => {
      const first = await requests(page);
      await page.waitForFunction((first) => document.querySelectorAll("#tiles .figure")[1].textContent !== first, first);
      assert.equal(await page.evaluate(() => performance.getEntriesByType("navigation").length), 1);
      await page.getByRole("button", { name: "Live" }).click();
      assert.equal(await page.getByRole("button", { name: "Live" }).getAttribute("aria-pressed"), "false");
    });
    // By the page's own clock, so that nobody waits.
    await visit(`${moving}health`, async (page) => {
      let asked = 0;
      await page.clock.install();
      await page.goto(`${moving}users`);
      page.on("request", (request) => { asked += request.resourceType() === "fetch"; });
      const answered = page.waitForResponse(/users/);
      await page.clock.runFor(1_100);
      await answered;
      assert.equal(asked, 1);
      await page.getByRole("button", { name: "Live" }).click();
      await page.clock.runFor(20_000);
      assert.equal(asked, 1);
    });
  });

  test("of Activity follow the percentile and have a table beside the charts", async () => {
    await visit(`${still}activity`, async (page) => {
      await page.getByLabel("Up to").selectOption("p50");
      await page.waitForURL(/percentile=p50/);
      const wanted = await json(`${still}api/histogram?measure=requests&percentile=p50&bins=20`);
      await page.getByText("Users by requests as a table").click();
      const users = await page.locator("#spread-requests-table td").allTextContents();
      assert.deepEqual(users.map(Number), wanted.rows.map((row) => row.users));
      await page.getByText("The figures of the charts as a table").click();
      assert.ok((await page.locator("#steps tbody tr").count()) > 20);
      assert.ok((await page.locator("#retention tbody tr").count()) > 3);
    });
  });

  test("of Health tell what is not known and how the sinks are", async () => {
    const health = await json(`${still}api/health`);
    await visit(`${still}health`, async (page) => {
      assert.ok((await page.locator("#unpriced").textContent()).includes("house-model-1"));
      assert.equal(await page.locator("#absent tbody tr").count(), health.absent_usage.length);
      await page.getByRole("heading", { name: "Sink: queue" }).waitFor();
    });
  });
});

const PAGES = { users: "users?range=30d", user: "user?id=alice&range=30d", activity: "activity", health: "health" };

describe("the pages", () => {
  test("are dark for those who like it dark, or say so", async () => {
    const darkness = (page) => page.evaluate(() => {
      const paint = document.createElement("canvas").getContext("2d");
      paint.fillStyle = getComputedStyle(document.body).backgroundColor;
      paint.fillRect(0, 0, 1, 1);
      return Math.max(...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)) < 64;
    });
    await visit(`${still}users`, async (page) => {
      assert.equal(await darkness(page), true);
      await page.getByRole("button", { name: "Theme: auto" }).click();
      await page.getByRole("button", { name: "Theme: light" }).waitFor();
      assert.equal(await darkness(page), false);
      await page.reload();
      assert.equal(await darkness(page), false);
    }, { colorScheme: "dark" });
    await visit(`${still}users`, async (page) => assert.equal(await darkness(page), false), { colorScheme: "light" });
  });

  test("have no serious fault for people who see, hear or point differently, in any light and width", async () => {
    const SETTINGS = [["light", 1280], ["dark", 1280], ["light", 360]];
    for (const [name, path] of Object.entries(PAGES)) {
      for (const [colorScheme, width] of SETTINGS) {
        await visit(still + path, async (page) => {
          await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}-${width}.png`), fullPage: true });
          await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
          await page.evaluate(AXE);
          const { violations } = await page.evaluate(() => window.axe.run());
          const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
          const told = serious.map(({ id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`);
          assert.deepEqual(told, [], `${name} ${colorScheme} ${width}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(wide <= 0, `${name} is ${wide} too wide for ${width}`);
        }, { colorScheme, viewport: { width, height: 900 } });
      }
    }
  });

  test("are used with a keyboard alone", async () => {
    await visit(`${still}users`, async (page) => {
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the figures");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement.id), "main");
      await heading(page, "Tokens in").getByRole("link").focus();
      await page.keyboard.press("Enter");
      await page.waitForURL(/sort=input_tokens/);
      await page.locator("#columns summary").focus();
      await page.keyboard.press("Enter");
      assert.ok(await page.getByRole("checkbox", { name: "Models" }).isVisible());
    });
  });

  test("are whole without scripts", async () => {
    await visit(`${still}users`, async (page) => {
      assert.equal((await people(page)).length, 50);
      await page.getByRole("searchbox").fill("alice");
      await page.keyboard.press("Enter");
      await page.waitForURL(/q=alice/);
      assert.deepEqual(await people(page), ["alice"]);
      await page.getByRole("link", { name: "alice", exact: true }).click();
      await page.waitForURL(/user\?/);
      assert.equal(await page.locator("svg.plot").count(), 3);
    }, { javaScriptEnabled: false });
  });

  test("weigh less than 150 KB with 100,000 users, their files included", async () => {
    const bodies = [];
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on("response", (response) => bodies.push(response.body()));
    await page.goto(`${many}users`, { waitUntil: "networkidle" });
    const users = await page.locator("#tiles .figure").first().getAttribute("title");
    assert.ok(Number(users.replaceAll(",", "")) >= 100_000, users);
    const weight = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
    await context.close();
    assert.ok(weight > 20_000 && weight < 150_000, `${weight} bytes`);
  });

  test("tell what is wrong with an address by its field", async () => {
    const answer = await fetch(`${still}users?zone=Mars`);
    assert.equal(answer.status, 400);
    assert.ok((await answer.text()).includes("<code>zone</code>"));
  });
});
