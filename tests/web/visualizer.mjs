// Looks at a running visualizer as a person would:
//   node visualizer.mjs URL --nodes 3 [--tasks 1] [--timeout SECONDS] [--screenshot FILE] [--dark]
// Exits 0 when that many nodes and at least that many running tasks are drawn live, without a
// console error and without a request to any other place.
import { parseArgs } from "node:util";
import { openPage, withBrowser } from "./browser.mjs";

export async function checkVisualizer(context, url, { nodes, tasks, timeout, screenshot }) {
    const { page, faults } = await openPage(context, url);
    const drawn = ([nodeCount, taskCount]) =>
        document.querySelectorAll('[data-testid^="node-"]').length === nodeCount &&
        document.querySelectorAll('[data-testid^="task-"][data-state="running"]').length >= taskCount &&
        document.querySelector('[data-testid="badge"]').dataset.state === "live";
    try {
        await page.waitForFunction(drawn, [nodes, tasks], { timeout });
    } catch {
        faults.push(`no live picture of ${nodes} nodes and ${tasks} running tasks came up; it shows: ` +
            (await page.locator("body").innerText()).replace(/\s+/g, " ").slice(0, 600));
    }
    const summary = await page.$$eval('[data-testid^="node-"]', (all) => all.map((node) => ({
        node: node.dataset.testid.slice("node-".length), state: node.dataset.state, leader: node.dataset.leader === "true",
        tasks: [...node.querySelectorAll('[data-testid^="task-"]')].map(
            (task) => `${task.querySelector(".name").textContent} ${task.dataset.state}`),
    })));
    if (screenshot) {
        await page.waitForTimeout(700); // the arrival of the boxes is animated
        await page.screenshot({ path: screenshot, fullPage: true });
    }
    return { page, faults, summary };
}

function options() {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            nodes: { type: "string", default: "3" }, tasks: { type: "string", default: "1" },
            timeout: { type: "string", default: "60" }, screenshot: { type: "string" },
            dark: { type: "boolean", default: false },
        },
    });
    if (positionals.length !== 1) {
        console.error("usage: node visualizer.mjs URL --nodes N [--tasks N] [--timeout SECONDS] [--screenshot FILE] [--dark]");
        process.exit(64);
    }
    return { url: positionals[0], dark: values.dark, screenshot: values.screenshot, nodes: Number(values.nodes),
        tasks: Number(values.tasks), timeout: Number(values.timeout) * 1000 };
}

if (import.meta.url === `file://${process.argv[1]}`) {
    const wanted = options();
    const ok = await withBrowser(async (context) => {
        const { faults, summary } = await checkVisualizer(context, wanted.url, wanted);
        for (const { node, state, leader, tasks } of summary)
            console.log(`${node} ${state}${leader ? " leader" : ""}: ${tasks.join(", ") || "no task"}`);
        for (const fault of faults) console.error(`FAULT ${fault}`);
        return faults.length === 0;
    }, { colorScheme: wanted.dark ? "dark" : "light" });
    process.exit(ok ? 0 : 1);
}
