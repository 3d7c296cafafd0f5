// The services' pages, in a real browser, served by the real programs; only Docker is a stand-in.
// HADEPLOY_SERVICES_DIR says where the programs are.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, openPage, withBrowser } from "./browser.mjs";
import { drainNode2, kCanary, killNode3, serve, steadySwarm } from "./fake-docker.mjs";
import { checkVisualizer } from "./visualizer.mjs";

const kPrograms = process.env.HADEPLOY_SERVICES_DIR;
const kTimeout = 120_000;
const directory = mkdtempSync(join(tmpdir(), "hadeploy-pages-"));
const children = [];

/// Starts a service on a free port and gives back that port.
function start(program, environment) {
    const child = spawn(join(kPrograms, program), { env: { PORT: "0", NODE_NAME: "node1", LINGER_MS: "1", ...environment } });
    children.push(child);
    return new Promise((resolve, reject) => {
        let text = "";
        child.stdout.on("data", (chunk) => {
            text += chunk;
            const found = /listening port="(\d+)"/.exec(text);
            if (found) resolve(found[1]);
        });
        child.on("exit", () => reject(new Error(`${program} ended: ${text}`)));
        child.on("error", reject);
    });
}

/// A swarm of the test's own, and the address of a visualizer that shows it.
async function showSwarm(environment = {}) {
    const swarm = steadySwarm();
    const socket = join(directory, `docker${children.length}.sock`);
    const docker = await serve(socket, swarm);
    docker.unref();
    const reader = await start("docker-reader", { DOCKER_SOCKET: socket });
    const port = await start("visualizer", { DOCKER_READER: `127.0.0.1:${reader}`, POLL_MS: "100", ...environment });
    return { swarm, url: `http://127.0.0.1:${port}/` };
}

const seen = (page, selector) => page.waitForSelector(selector, { timeout: kTimeout });
const taskText = (page) => page.$$eval(".task", (all) => all.map((task) =>
    `${task.closest(".node")?.dataset.testid ?? "waiting"} ${task.querySelector(".name").textContent} ${task.dataset.state}`));

before(() => assert.ok(kPrograms, "set HADEPLOY_SERVICES_DIR to the directory of the built services"));
after(() => {
    for (const child of children) {
        child.removeAllListeners("exit");
        child.kill("SIGKILL");
    }
    rmSync(directory, { recursive: true, force: true });
});

test("the visualizer draws nodes, tasks and quorum without a fault", async () => {
    const { url } = await showSwarm();
    await withBrowser(async (context) => {
        const { page, faults, summary } = await checkVisualizer(context, url, { nodes: 3, tasks: 9, timeout: kTimeout });
        assert.deepEqual(faults, []);
        assert.deepEqual(summary.map(({ node, state, leader }) => [node, state, leader]),
            [["node1", "ready", true], ["node2", "ready", false], ["node3", "ready", false]]);
        assert.equal(await page.getAttribute('[data-testid="quorum"]', "data-state"), "held");
        assert.match(await page.innerText("#quorum-text"), /3 of 3 managers, 1 may fail/);
        assert.ok(!(await page.content()).includes(kCanary));
    });
});

test("a check that should fail does: too few nodes are a fault", async () => {
    const { url } = await showSwarm();
    await withBrowser(async (context) => {
        const { faults } = await checkVisualizer(context, url, { nodes: 4, tasks: 9, timeout: 1500 });
        assert.equal(faults.length, 1);
    });
});

test("a drain and a failure are seen live", async () => {
    const { swarm, url } = await showSwarm();
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await seen(page, '[data-testid="node-node2"][data-state="ready"]');
        drainNode2(swarm);
        await seen(page, '[data-testid="node-node2"][data-state="drain"]');
        const tasks = await taskText(page);
        for (const wanted of ["node-node2 web.2 gone", "node-node1 web.2 starting", "node-node3 database.1 failed",
            "node-node1 database.1 running", "waiting web.4 starting"])
            assert.ok(tasks.includes(wanted), `${wanted} is not in ${tasks}`);
        assert.match(await page.innerText('[data-state="failed"] .error'), /non-zero exit/);
        assert.match(await page.innerText('[data-testid="events"]'), /node2 was set to drain/);
        assert.match(await page.innerText('[data-testid="service-web"]'), /2\/4/);
        killNode3(swarm);
        await seen(page, '[data-testid="node-node3"][data-state="down"]');
        assert.equal(await page.getAttribute('[data-testid="quorum"]', "data-state"), "edge");
        assert.ok((await taskText(page)).includes("node-node3 web.3 lost"));
        assert.deepEqual(faults, []);
    });
});

/// A web service without a database, a swarm in which it is the task web.1, and a visualizer that shows both.
async function showTraffic() {
    const web = `127.0.0.1:${await start("web", { DATABASE: "127.0.0.1:1", REQUEST_TIMEOUT_MS: "100" })}`;
    const shown = await showSwarm({ WEB: web });
    shown.swarm.tasks[0].Status.ContainerStatus.ContainerID = hostname();
    const send = async (path, count) => { for (let i = 0; i < count; ++i) await (await fetch(`http://${web}${path}`)).text(); };
    return { ...shown, send };
}

test("requests and errors of the web service are shown, in all and for each task", async () => {
    const { url, send } = await showTraffic();
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await seen(page, '[data-testid="traffic"][data-state="fine"]');
        assert.match(await page.innerText("#traffic-text"), /0 requests\/s · no errors in the last minute/);
        assert.match(await page.innerText('[data-testid="node-node1"]'), /web\.1[^]*running · 0 requests\/s/);
        await send("/style.css", 40);
        await seen(page, "#traffic-bars rect.requests");
        assert.equal((await page.$$("#traffic-bars rect.errors")).length, 0);
        await send("/", 1);
        await seen(page, '[data-testid="traffic"][data-state="errors"]');
        assert.match(await page.innerText("#traffic-text"), /[1-9].* requests\/s · 1 error in the last minute/);
        await seen(page, "#traffic-bars rect.errors");
        assert.deepEqual(faults, []);
    });
});

test("without the counts of a web service, there is no place for them", async () => {
    const { url } = await showSwarm();
    await withBrowser(async (context) => {
        const { page } = await openPage(context, url);
        await seen(page, ".task");
        assert.equal(await page.isVisible('[data-testid="traffic"]'), false);
    });
});

for (const colorScheme of ["light", "dark"])
    for (const width of [1600, 380])
        test(`no rule of axe is broken: ${colorScheme}, ${width} pixels`, async () => {
            const { swarm, url, send } = await showTraffic();
            drainNode2(swarm);
            killNode3(swarm);
            await withBrowser(async (context) => {
                const { page, faults } = await openPage(context, url);
                await seen(page, '[data-testid="node-node3"][data-state="down"]');
                await send("/style.css", 200);
                await send("/", 3);
                await seen(page, "#traffic-bars rect.errors");
                await page.waitForTimeout(700); // the arrival of the boxes is animated
                if (process.env.SCREENSHOT)
                    await page.screenshot({ path: `${process.env.SCREENSHOT}.${colorScheme}.${width}.png`, fullPage: true });
                await assertAccessible(page);
                assert.deepEqual(faults, []);
            }, { colorScheme, viewport: { width, height: 900 } });
        });

test("a picture that is old says so, and recovers by itself", async () => {
    const { swarm, url } = await showSwarm();
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await seen(page, '[data-testid="badge"][data-state="live"]');
        swarm.down = "The swarm does not have a leader.";
        await seen(page, '[data-testid="badge"][data-state="stale"]');
        assert.match(await page.innerText("#problem"), /does not have a leader/);
        assert.equal((await page.$$(".node")).length, 3);
        swarm.down = undefined;
        await seen(page, '[data-testid="badge"][data-state="live"]');
        assert.equal(await page.isVisible("#problem"), false);
        assert.deepEqual(faults, []);
    });
});

test("a server that is gone is shown as offline", async () => {
    const { url } = await showSwarm();
    await withBrowser(async (context) => {
        const { page } = await openPage(context, url);
        await seen(page, '[data-testid="badge"][data-state="live"]');
        children.at(-1).removeAllListeners("exit");
        children.at(-1).kill("SIGKILL");
        await seen(page, '[data-testid="badge"][data-state="offline"]');
    });
});

test("the keyboard reaches, moves, opens, closes and filters", async () => {
    const { url } = await showSwarm();
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, url);
        await seen(page, ".task");
        const focused = () => page.evaluate(() => {
            const box = document.activeElement.closest(".task");
            return box ? `${box.closest(".node").dataset.testid} ${box.querySelector(".name").textContent}` : null;
        });
        await page.keyboard.press("ArrowDown");
        assert.equal(await focused(), "node-node1 docker-reader.node1");
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("ArrowRight");
        assert.equal(await focused(), "node-node2 docker-reader.node2");
        await page.keyboard.press("ArrowLeft");
        assert.equal(await focused(), "node-node1 visualizer.1");
        await page.keyboard.press("Enter");
        await seen(page, '.task[aria-expanded="true"] dl');
        assert.match(await page.innerText('.task[aria-expanded="true"] dl'), /hadeploy\/visualizer:0123456789ab/);
        await page.keyboard.press("Escape");
        assert.equal((await page.$$('.task[aria-expanded="true"]')).length, 0);
        await page.focus('[data-testid="service-web"]');
        await page.keyboard.press("Space");
        assert.equal((await page.$$(".task.dimmed")).length, 6);
        await page.focus("#theme");
        await page.keyboard.press("Enter");
        await page.keyboard.press("Enter");
        assert.equal(await page.getAttribute("html", "data-theme"), "dark");
        assert.deepEqual(faults, []);
    });
});

test("the web page saves through its form, without a script, and shows names as text", async () => {
    const database = await start("database", { DATA_DIR: directory, LOGGER: "127.0.0.1:1" });
    const port = await start("web", { DATABASE: `127.0.0.1:${database}` });
    await withBrowser(async (context) => {
        const { page, faults } = await openPage(context, `http://127.0.0.1:${port}/`);
        for (const total of ["4", "8"]) {
            await page.fill('[name="name"]', "<i>äpfel</i>");
            await page.fill('[name="quantity"]', "4");
            await page.click("button");
            await seen(page, '[data-testid="notice"][data-state="done"]');
            assert.match(await page.innerText('[data-testid="notice"]'), /<i>äpfel<\/i>/);
            assert.equal(await page.innerText("td.number"), total);
        }
        await page.reload();
        assert.equal(await page.innerText("td.number"), "8");
        assert.equal(await page.innerText("td.name"), "<i>äpfel</i>");
        assert.equal(await page.innerText('[data-testid="node"]'), "node1");
        assert.deepEqual(faults, []);
    });
});
