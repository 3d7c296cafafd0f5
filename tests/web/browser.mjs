// A headless Chromium of the system's, and a page in it that remembers what went wrong.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const kFlags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/// Runs `use(context)` in a browser with a fresh profile and leaves nothing behind.
export async function withBrowser(use, options = {}) {
    const profile = mkdtempSync(join(tmpdir(), "hadeploy-web-"));
    try {
        const context = await chromium.launchPersistentContext(profile, {
            executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: kFlags,
            viewport: { width: 1280, height: 900 }, ...options,
        });
        try {
            return await use(context);
        } finally {
            await context.close();
        }
    } finally {
        rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
}

/// Opens `url`. `faults` collects console errors, exceptions, failed requests, and requests to any
/// other place than the page's own.
export async function openPage(context, url) {
    const page = await context.newPage();
    const faults = [];
    const home = new URL(url).origin;
    page.on("console", (line) => { if (line.type() === "error") faults.push(`console: ${line.text()}`); });
    page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
    page.on("request", (request) => {
        const target = new URL(request.url());
        if (target.protocol !== "data:" && target.origin !== home) faults.push(`foreign request: ${request.url()}`);
    });
    page.on("response", (response) => {
        if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`);
    });
    await page.goto(url, { waitUntil: "domcontentloaded" });
    return { page, faults };
}

/// Checks a page with axe, and that it is not wider than the window.
export async function assertAccessible(page) {
    // axe is evaluated by the driver, which the policy of the page does not concern
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes[0].html} ${v.nodes[0].failureSummary}`), []);
    const spare = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(spare <= 0, `${spare} pixels wider than the window`);
}
