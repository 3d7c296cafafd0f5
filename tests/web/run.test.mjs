// The page that `hadeploy apply --html` writes, in a real browser and from the disk. HADEPLOY says which program to ask.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assertAccessible, openPage, withBrowser } from "./browser.mjs";

// With two jobs at a time, the others wait; the last step fails.
const kSpec = `name: shop
resources:
  base: {type: local.exec, create: "sleep 0.3"}
  web: {type: local.exec, for_each: ["a", "b", "c", "</script>"], create: "sleep 0.3", depends_on: [base]}
  last: {type: local.exec, create: "exit 3", depends_on: [web]}
  after: {type: local.value, input: 1, depends_on: [last]}
`;
const directory = mkdtempSync(join(tmpdir(), "hadeploy-run-"));
const url = pathToFileURL(join(directory, "run.html")).href;

before(() => {
    writeFileSync(join(directory, "hadeploy.yaml"), kSpec);
    const words = ["--chdir", directory, "--progress", "quiet", "apply", "--auto-approve", "--parallelism", "2"];
    const done = spawnSync(process.env.HADEPLOY, [...words, "--html", join(directory, "run.html")], { encoding: "utf8" });
    assert.equal(done.status, 1, done.stderr);
});
after(() => rmSync(directory, { recursive: true, force: true }));

for (const colorScheme of ["light", "dark"])
    for (const width of [1600, 380])
        test(`no rule of axe is broken: ${colorScheme}, ${width} pixels`, async () => {
            await withBrowser(async (context) => {
                const { page, faults } = await openPage(context, url);
                await assertAccessible(page);
                if (process.env.SCREENSHOT) await page.screenshot({ path: `${process.env.SCREENSHOT}.${colorScheme}.${width}.png` });
                assert.deepEqual(faults, []);
            }, { colorScheme, viewport: { width, height: 900 } });
        });

test("each bar has a colour and lies within the chart", async () => {
    await withBrowser(async (context) => {
        const { page } = await openPage(context, url);
        const bars = await page.$$eval("[data-testid=step] i", (all) => all.map((bar) => {
            const chart = bar.parentElement.getBoundingClientRect(), box = bar.getBoundingClientRect();
            return { phase: bar.dataset.phase, colour: getComputedStyle(bar).backgroundColor,
                height: box.height, inside: box.left >= chart.left - 1 && box.right <= chart.right + 3 };
        }));
        assert.ok(bars.some((bar) => bar.phase === "changing") && bars.some((bar) => bar.phase === "limited"));
        for (const bar of bars) {
            assert.notEqual(bar.colour, "rgba(0, 0, 0, 0)", bar.phase);
            assert.ok(bar.inside && bar.height > 2, JSON.stringify(bar));
        }
        const legend = await page.$$eval(".legend i", (all) => all.map((mark) => mark.getBoundingClientRect().height));
        assert.ok(legend.length === 6 && legend.every((height) => height > 2));
    });
});
