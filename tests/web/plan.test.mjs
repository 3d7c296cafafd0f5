// The page that `hadeploy plan --html` writes, in a real browser and from the disk: rules of accessibility, and the
// keyboard. HADEPLOY says which program to ask.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assertAccessible, openPage, withBrowser } from "./browser.mjs";

const kSpec = `name: shop
resources:
  base: {type: random.id}
  web: {type: local.value, count: 60, input: "\${base.hex} 1"}
  port: {type: local.value, input: 80}
  gone: {type: local.value, input: x}
  odd: {type: local.value, for_each: ["</script>", "日本語"], input: "\${each.key}"}
`;
const directory = mkdtempSync(join(tmpdir(), "hadeploy-plan-"));
const url = pathToFileURL(join(directory, "plan.html")).href;

before(() => {
    const run = (...words) => execFileSync(process.env.HADEPLOY, ["--chdir", directory, "--progress", "quiet", ...words]);
    writeFileSync(join(directory, "hadeploy.yaml"), kSpec);
    run("apply", "--auto-approve");
    writeFileSync(join(directory, "hadeploy.yaml"), kSpec.replace("80}", "81}").replace(/ {2}gone.*\n/, "  fresh: {type: random.id}\n"));
    run("plan", "--html", join(directory, "plan.html"));
});
after(() => rmSync(directory, { recursive: true, force: true }));

for (const colorScheme of ["light", "dark"])
    for (const width of [1600, 380])
        test(`no rule of axe is broken: ${colorScheme}, ${width} pixels`, async () => {
            await withBrowser(async (context) => {
                const { page, faults } = await openPage(context, url);
                await page.click("#open-all");
                await assertAccessible(page);
                if (process.env.SCREENSHOT) await page.screenshot({ path: `${process.env.SCREENSHOT}.${colorScheme}.${width}.png` });
                assert.deepEqual(faults, []);
            }, { colorScheme, viewport: { width, height: 900 } });
        });

test("the keyboard unfolds a stack, and leads from the graph to the entry of a resource", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await page.keyboard.press("Tab");
        assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip to the list/);
        await page.keyboard.press("Enter");
        assert.equal(await page.evaluate(() => document.activeElement.id), "list");
        const boxes = (await page.$$(".node")).length;
        await page.focus('[data-testid="group-web"]');
        await page.keyboard.press("Enter");
        assert.equal((await page.$$(".node")).length, boxes + 59);
        await page.focus('[data-testid="node-port"]');
        await page.keyboard.press("Enter");
        assert.match(await page.evaluate(() => document.activeElement.textContent), /~ update port/);
        assert.match(await page.innerText("details[open] pre"), /80 -> 81/);
        assert.deepEqual(faults, []);
    });
});

test("a search and the legend filter the list too", async () => {
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        const entries = () => page.$$eval("li[data-box]:not([hidden])", (all) => all.filter((item) => item.checkVisibility()).length);
        await page.keyboard.press("/");
        await page.keyboard.type("web[1");
        assert.equal(await entries(), 11);
        await page.keyboard.press("Escape");
        await page.click('[data-testid="legend-remove"]');
        assert.equal(await entries(), 1);
        assert.deepEqual(faults, []);
    });
});
