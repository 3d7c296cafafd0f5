// The drawing that `hadeploy graph --format html` makes, in a real browser and from the disk.
// HADEPLOY says which program to ask.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
// 300 resources: two modules with instances, blocks, and some beside them.
const kLarge = `name: large
modules:
  site: {source: site, for_each: [ber, ham, muc], with: {n: 30}}
  edge: {source: site, with: {n: 30}}
resources:
  web: {type: local.value, count: 150, input: "\${count.index}"}
  db: {type: local.value, count: 21, input: "\${web[count.index].output}"}
  last: {type: local.value, input: x, depends_on: [db, module.site]}
${Array.from({ length: 9 }, (_, i) => `  one${i}: {type: random.id, depends_on: [last]}`).join("\n")}
`;
const kSite = `variables: {n: {type: integer}}
resources:
  base: {type: random.id}
  node: {type: local.value, count: "\${var.n}", input: "\${base.hex}"}
`;
const directory = mkdtempSync(join(tmpdir(), "hadeploy-graph-"));
const url = pathToFileURL(join(directory, "graph.html")).href;
const large = pathToFileURL(join(directory, "large.html")).href;

before(() => {
    assert.ok(process.env.HADEPLOY, "set HADEPLOY to the program");
    writeFileSync(join(directory, "hadeploy.yaml"), kSpec);
    const page = execFileSync(process.env.HADEPLOY, ["--chdir", directory, "graph", "--format", "html"]);
    writeFileSync(join(directory, "graph.html"), page);
    mkdirSync(join(directory, "large", "site"), { recursive: true });
    writeFileSync(join(directory, "large", "hadeploy.yaml"), kLarge);
    writeFileSync(join(directory, "large", "site", "module.yaml"), kSite);
    const run = (...words) => execFileSync(process.env.HADEPLOY, ["--chdir", join(directory, "large"), ...words]);
    run("apply", "--auto-approve", "--progress", "quiet");
    // some of it changes, some of it goes
    writeFileSync(join(directory, "large", "hadeploy.yaml"),
        kLarge.replace("count: 150", "count: 140").replace("input: x,", "input: y,"));
    writeFileSync(join(directory, "large.html"), run("graph", "--format", "html"));
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
        assert.deepEqual(states, Array(6).fill("create"));
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
        assert.match(await page.innerText('[data-testid="details"]'), /left\s+ssh.key\s+create\s+depends on 1, required by 2/);
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
        await page.keyboard.press("+"); // the keys of the drawing need the focus in it
        await page.focus("#view");
        await page.keyboard.press("0");
        await page.$eval("#view", (view) => view.scrollIntoView());
        const whole = await boxOf(page, "base");
        await page.keyboard.press("+");
        const larger = await boxOf(page, "base");
        assert.ok(larger.width > whole.width * 1.1);
        await page.mouse.move(640, 500);
        await page.mouse.wheel(0, 300);
        assert.ok((await boxOf(page, "base")).width < larger.width);
        await page.keyboard.press("0");
        await page.mouse.move(640, 500);
        await page.mouse.down();
        await page.mouse.move(740, 550);
        await page.mouse.up();
        const moved = await boxOf(page, "base");
        assert.ok(Math.abs(moved.x - whole.x - 100) < 2 && Math.abs(moved.y - whole.y - 50) < 2);
        await page.keyboard.press("ArrowRight");
        assert.ok((await boxOf(page, "base")).x < moved.x);
        assert.deepEqual(faults, []);
    });
});

const shown = (page) => page.$$eval(".node", (all) => all.map((node) => ({ name: node.dataset.testid,
    state: node.dataset.state, count: +node.dataset.count })));
const sum = (boxes) => boxes.reduce((total, box) => total + box.count, 0);

test("300 resources are folded until they can be read, and unfold by a click", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, large);
        const first = await shown(page);
        assert.ok(first.length <= 36, `${first.length} boxes`);
        assert.equal(sum(first), 305);
        const web = first.find((box) => box.name === "group-web");
        assert.deepEqual(web, { name: "group-web", state: "remove", count: 150 });
        assert.match(await page.$eval('[data-testid="group-web"]', (node) => node.textContent), /-10/);
        const letters = await page.$eval(".node text", (text) => text.getBoundingClientRect().height);
        assert.ok(letters > 7, `letters ${letters} pixels high`);
        if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT + ".large.png" });
        await page.click('[data-testid="group-web"]');
        const unfolded = await shown(page);
        assert.equal(unfolded.length, first.length + 149);
        assert.equal(sum(unfolded), 305);
        assert.equal(unfolded.filter((box) => box.state === "remove").length, 10);
        await page.click('[data-testid="close-web"]');
        assert.deepEqual(await shown(page), first);
        await page.focus('[data-testid="group-web"]');
        await page.keyboard.press("Enter");
        assert.equal((await shown(page)).length, first.length + 149);
        await page.click('[data-testid="unfold-all"]');
        assert.equal((await shown(page)).length, 305);
        await page.click('[data-testid="fold-all"]');
        assert.ok((await shown(page)).length <= 20);
        assert.deepEqual(faults, []);
    });
});

test("the legend tells what the colours mean, and finds what has them", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, large);
        const legend = await page.innerText('[data-testid="legend"]');
        for (const entry of [/- remove 10/, /unchanged 29\d/]) assert.match(legend, entry);
        await page.click('[data-testid="legend-remove"]');
        assert.equal(await page.innerText('[data-testid="found"]'), "10 found");
        assert.deepEqual(await page.$$eval("[data-match]", (all) => all.map((node) => node.dataset.testid)), ["group-web"]);
        await page.click('[data-testid="legend-remove"]');
        assert.equal((await page.$$("[data-match]")).length, 0);
        assert.deepEqual(faults, []);
    });
});

test("a search finds what is folded, and unfolds the first", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, large);
        await page.keyboard.press("/");
        await page.keyboard.type("web[139]");
        assert.equal(await page.innerText('[data-testid="found"]'), "1 found");
        await page.keyboard.press("Enter");
        assert.equal((await relations(page))["web[139]"], "self");
        assert.deepEqual(faults, []);
    });
});
