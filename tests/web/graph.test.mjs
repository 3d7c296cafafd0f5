// The drawing that `hadeploy graph --format html` makes, in a real browser and from the disk.
// HADEPLOY says which program to ask.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { openPage, withBrowser } from "./browser.mjs";

const kSpec = `name: t
resources:
  base: {type: ssh.key, name: base}
  left: {type: ssh.key, name: left, depends_on: [base]}
  right: {type: ssh.key, name: right, depends_on: [base]}
  top: {type: ssh.key, for_each: [x, y], name: "top-\${each.key}", depends_on: [left, right]}
  alone: {type: ssh.key, name: alone}
`;
const directory = mkdtempSync(join(tmpdir(), "hadeploy-graph-"));
const url = pathToFileURL(join(directory, "graph.html")).href;

before(() => {
    assert.ok(process.env.HADEPLOY, "set HADEPLOY to the program");
    writeFileSync(join(directory, "hadeploy.yaml"), kSpec);
    const page = execFileSync(process.env.HADEPLOY, ["--chdir", directory, "graph", "--format", "html"]);
    writeFileSync(join(directory, "graph.html"), page);
});
after(() => rmSync(directory, { recursive: true, force: true }));

const id = (address) => `[data-testid=${JSON.stringify(`node-${address}`)}]`;
const relations = (page) => page.$$eval("[data-testid^=node-]", (all) => Object.fromEntries(
    all.map((node) => [node.dataset.testid.slice(5), node.dataset.relation ?? ""])));
const boxOf = async (page, address) => await (await page.$(id(address))).boundingBox();

test("every resource is drawn, right of what it needs, and nothing is loaded", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        const states = await page.$$eval("[data-testid^=node-]", (all) => all.map((node) => node.dataset.state));
        assert.deepEqual(states, Array(6).fill("unchanged"));
        assert.equal((await page.$$(".edge")).length, 6);
        const [base, left, top] = await Promise.all(["base", "left", 'top["x"]'].map((a) => boxOf(page, a)));
        assert.ok(base.x + base.width < left.x && left.x + left.width < top.x);
        const boxes = await Promise.all(["base", "left", "right", 'top["x"]', 'top["y"]', "alone"].map((a) => boxOf(page, a)));
        for (const a of boxes)
            for (const b of boxes)
                assert.ok(a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y);
        assert.equal(await page.evaluate(() => performance.getEntriesByType("resource").length), 0);
        if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
        assert.deepEqual(faults, []);
    });
});

test("hovering and the keyboard show what depends on what", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await page.hover(id("left"));
        assert.deepEqual(await relations(page), { base: "needs", left: "self", right: "",
            'top["x"]': "needed-by", 'top["y"]': "needed-by", alone: "" });
        assert.match(await page.innerText('[data-testid="details"]'), /left\s+ssh.key\s+unchanged\s+needs 1, needed by 2/);
        await page.mouse.move(2, 300);
        assert.deepEqual(Object.values(await relations(page)), Array(6).fill(""));
        await page.focus(id("base"));
        assert.equal((await relations(page)).right, "needed-by");
        assert.deepEqual(faults, []);
    });
});

test("it can be searched, moved and zoomed", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await page.keyboard.press("/");
        await page.keyboard.type("top");
        assert.equal(await page.innerText('[data-testid="found"]'), "2 found");
        assert.equal((await page.$$("[data-match]")).length, 2);
        await page.keyboard.press("Enter");
        assert.equal((await relations(page))['top["x"]'], "self");
        await page.focus('[data-testid="search"]');
        await page.keyboard.press("Escape");
        assert.equal((await page.$$("[data-match]")).length, 0);
        await page.keyboard.press("0");
        const whole = await boxOf(page, "base");
        await page.keyboard.press("+");
        const larger = await boxOf(page, "base");
        assert.ok(larger.width > whole.width * 1.1);
        await page.mouse.move(640, 600);
        await page.mouse.wheel(0, 300);
        assert.ok((await boxOf(page, "base")).width < larger.width);
        await page.keyboard.press("0");
        await page.mouse.move(640, 600);
        await page.mouse.down();
        await page.mouse.move(740, 650);
        await page.mouse.up();
        const moved = await boxOf(page, "base");
        assert.ok(Math.abs(moved.x - whole.x - 100) < 2 && Math.abs(moved.y - whole.y - 50) < 2);
        await page.keyboard.press("ArrowRight");
        assert.ok((await boxOf(page, "base")).x < moved.x);
        assert.deepEqual(faults, []);
    });
});
