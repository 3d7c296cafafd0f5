// Draws the swarm from /api/events. Without a framework: one function for each part creates or
// updates its elements by key, so that a box keeps its focus and position while it changes.
"use strict";

const SILENCE_MS = 12000; // the server beats every 4 s
const HUES = 8;
const $ = (id) => document.getElementById(id);

let state = null;
let clockOffset = 0; // server's clock minus this one, in ms
let lastWord = 0;
let chosenService = null;
const openTasks = new Set();

function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}

function icon(name, className) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", className);
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
    svg.firstChild.setAttribute("href", `#${name}`);
    return svg;
}

function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

// Makes the children of `parent` match `items`, and reuses the element of each key.
function reconcile(parent, items, keyOf, make, update) {
    const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    let place = parent.firstElementChild;
    for (const item of items) {
        const key = keyOf(item);
        let child = known.get(key);
        known.delete(key);
        if (!child) {
            child = make(item);
            child.dataset.key = key;
        }
        if (child === place) place = place.nextElementSibling;
        else parent.insertBefore(child, place);
        update(child, item);
    }
    for (const left of known.values()) left.remove();
}

function ageText(since) {
    const seconds = Math.max(0, Math.round((Date.now() + clockOffset - Date.parse(since)) / 1000));
    if (!Number.isFinite(seconds)) return "";
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
    return `${Math.floor(seconds / 86400)} d`;
}

function hueClass(serviceId) {
    const index = state.services.findIndex((service) => service.id === serviceId);
    return index < 0 ? "hue-none" : `hue${index % HUES}`;
}

// ---- the top line -------------------------------------------------------------------------

function drawQuorum() {
    const { managers = 0, reachable = 0, needed = 0, quorum, spare = 0 } = state.cluster;
    $("quorum").dataset.state = !managers ? "unknown" : !quorum ? "lost" : spare === 0 ? "edge" : "held";
    const bar = $("quorum-bar");
    const gap = 4;
    const width = managers ? (180 - gap * (managers - 1)) / managers : 180;
    const shapes = [];
    for (let i = 0; i < managers; ++i) {
        const rect = document.createElementNS(bar.namespaceURI, "rect");
        Object.entries({ x: i * (width + gap), y: 2, width, height: 10, rx: 3 })
            .forEach(([key, value]) => rect.setAttribute(key, value));
        if (i < reachable) rect.setAttribute("class", "reachable");
        shapes.push(rect);
    }
    if (managers > 1) {
        const mark = document.createElementNS(bar.namespaceURI, "line");
        const x = needed * (width + gap) - gap / 2;
        Object.entries({ x1: x, x2: x, y1: -1, y2: 15 }).forEach(([key, value]) => mark.setAttribute(key, value));
        shapes.push(mark);
    }
    bar.replaceChildren(...shapes);
    let text = "No manager is known";
    if (managers && !quorum) text = `No quorum: ${reachable} of ${managers} managers, ${needed} needed`;
    else if (managers && spare === 0) text = `Quorum on the edge: ${reachable} of ${managers} managers`;
    else if (managers) text = `Quorum: ${reachable} of ${managers} managers, ${spare} may fail`;
    setText($("quorum-text"), text);
}

// Requests per second in steps of two seconds; errors are the lower part of a bar.
function drawTraffic() {
    const traffic = state.traffic;
    $("traffic").hidden = !traffic;
    if (!traffic) return;
    $("traffic").dataset.state = traffic.errors ? "errors" : "fine";
    const bars = $("traffic-bars");
    const [full, height] = [180, 24];
    const width = full / traffic.series.length;
    const most = Math.max(1, ...traffic.series.map(([requests]) => requests));
    const tall = (rate) => (rate > 0 ? Math.max(2, (rate / most) * height) : 0); // visible, however few
    const shapes = traffic.series.flatMap(([requests, errors], i) => [[requests, "requests"], [errors, "errors"]]
        .filter(([rate]) => rate > 0).map(([rate, name]) => {
            const rect = document.createElementNS(bars.namespaceURI, "rect");
            Object.entries({ x: i * width, y: height - tall(rate), width: width - 1, height: tall(rate), class: name })
                .forEach(([key, value]) => rect.setAttribute(key, value));
            return rect;
        }));
    bars.replaceChildren(...shapes);
    const rate = traffic.rate < 10 ? traffic.rate : Math.round(traffic.rate);
    setText($("traffic-text"), `${rate} requests/s · ${traffic.errors || "no"} error${traffic.errors === 1 ? "" : "s"} ` +
        "in the last minute");
}

function drawTitle() {
    const stacks = [...new Set(state.services.map((service) => service.stack).filter(Boolean))];
    setText(document.querySelector("h1"), stacks.length === 1 ? stacks[0] : "Swarm");
    const running = state.tasks.filter((task) => task.phase === "running").length;
    const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
    setText($("subtitle"), [plural(state.nodes.length, "node"), plural(state.services.length, "service"),
        `${plural(running, "task")} running`].join(" · "));
    document.title = state.cluster.quorum === false ? "No quorum" : `${running} running`;
    const by = state.served_by;
    setText($("served"), by ? `Served by ${by.node}, container ${by.container}` : "");
}

function drawBadge() {
    const silent = Date.now() - lastWord > SILENCE_MS;
    const name = !lastWord ? "connecting" : silent ? "offline" : state?.stale ? "stale" : "live";
    const texts = { connecting: "Connecting", offline: "Disconnected", stale: "Stale", live: "Live" };
    $("badge").dataset.state = name;
    let text = texts[name];
    if (state?.at && (name === "offline" || name === "stale")) text += `, state of ${timeText(state.at)}`;
    setText($("badge-text"), text);
    document.body.classList.toggle("stale", name === "offline" || name === "stale");
    const problem = name === "stale" ? state.problem : null;
    $("problem").hidden = !problem;
    setText($("problem"), problem ? `Docker is unavailable: ${problem}` : "");
}

// ---- services -----------------------------------------------------------------------------

function drawServices() {
    reconcile($("services"), state.services, (service) => service.id, (service) => {
        const button = element("button");
        button.type = "button";
        button.dataset.testid = `service-${service.short}`;
        button.append(element("span", "swatch"), element("b"), element("span", "count"), element("span", "port"));
        button.addEventListener("click", () => {
            chosenService = chosenService === service.id ? null : service.id;
            draw();
        });
        return button;
    }, (button, service) => {
        button.className = `service ${hueClass(service.id)}`;
        button.dataset.state = service.running < service.desired ? "short" : "whole";
        button.setAttribute("aria-pressed", String(chosenService === service.id));
        button.title = `${service.name}\n${service.image}`;
        const [, name, count, port] = button.children;
        setText(name, service.short);
        setText(count, `${service.running}/${service.desired}`);
        setText(port, service.ports.map((one) => `:${one}`).join(" "));
    });
}

// ---- tasks --------------------------------------------------------------------------------

function makeTask(task) {
    const box = element("button");
    box.type = "button";
    box.dataset.testid = `task-${task.id}`;
    const line = element("span", "line");
    line.append(icon("running", "glyph"), element("span", "name"), element("span", "age"));
    line.firstChild.removeAttribute("aria-hidden");
    line.firstChild.setAttribute("role", "img");
    const details = element("dl");
    box.append(line, element("div", "state"), element("div", "error"), details);
    box.addEventListener("click", () => {
        if (!openTasks.delete(task.id)) openTasks.add(task.id);
        draw();
    });
    return box;
}

function stateText(task, rate) {
    const line = [element("b", "", task.state)];
    if (task.state !== task.desired) line.push(` → ${task.desired}`);
    if (rate !== undefined) line.push(` · ${rate} requests/s`);
    return line;
}

function taskFacts(task) {
    const service = state.services.find((one) => one.id === task.service);
    return [["Task", task.id], ["Container", task.container || "none yet"], ["Image", service?.image ?? "unknown"],
        ["Message", task.message || "none"], ["Created", timeText(task.created)]];
}

function updateTask(box, task) {
    box.className = `task ${hueClass(task.service)}`;
    box.classList.toggle("dimmed", chosenService !== null && chosenService !== task.service);
    box.dataset.state = task.phase;
    box.dataset.since = task.since;
    const isOpen = openTasks.has(task.id);
    box.setAttribute("aria-expanded", String(isOpen));
    const glyph = box.querySelector(".glyph");
    glyph.setAttribute("aria-label", task.phase); // the rest of the box is text
    const [line, stateLine, error, details] = box.children;
    glyph.firstChild.setAttribute("href", `#${task.phase}`);
    setText(line.querySelector(".name"), task.name);
    setText(line.querySelector(".age"), ageText(task.since));
    const rate = task.container ? state.traffic?.containers[task.container] : undefined;
    const wanted = `${task.state}|${task.desired}|${rate}`;
    if (stateLine.dataset.shown !== wanted) {
        stateLine.dataset.shown = wanted;
        stateLine.replaceChildren(...stateText(task, rate));
    }
    setText(error, task.error);
    error.hidden = !task.error;
    if (isOpen)
        details.replaceChildren(...taskFacts(task).flatMap(([key, value]) =>
            [element("dt", "", key), element("dd", "mono", value)]));
}

function drawTasks(parent, tasks, whenNone) {
    const items = tasks.length || !whenNone ? tasks : [{ id: "none" }];
    reconcile(parent, items, (task) => task.id,
        (task) => (task.id === "none" ? element("p", "none", whenNone) : makeTask(task)),
        (box, task) => { if (task.id !== "none") updateTask(box, task); });
}

// ---- nodes --------------------------------------------------------------------------------

function nodeState(node) {
    if (node.status !== "ready") return "down";
    return node.availability === "active" ? "ready" : node.availability;
}

function makeNode(node) {
    const column = element("section", "node");
    const head = element("header");
    const line = element("div", "line");
    line.append(element("span", "lamp"), element("h2"), icon("crown", "crown"), element("span", "pill"));
    head.append(line, element("p", "facts"), element("p", "facts"));
    column.append(head, element("div", "tasks"));
    column.dataset.testid = `node-${node.name}`;
    return column;
}

function updateNode(column, node) {
    const name = nodeState(node);
    column.dataset.state = name;
    column.dataset.leader = String(node.leader);
    setText(column.querySelector("h2"), node.name);
    column.querySelector(".crown").style.display = node.leader ? "" : "none";
    setText(column.querySelector(".pill"), name === "ready" ? "active" : name === "down" ? node.status : name);
    const isCut = node.reachability === "unreachable";
    const role = node.leader ? "leader" : isCut ? `${node.role}, unreachable` : node.role;
    const size = node.memory ? `${node.cpus} CPU, ${(node.memory / 2 ** 30).toFixed(1)} GiB` : "";
    const facts = column.querySelectorAll(".facts");
    setText(facts[0], [role, node.address].filter(Boolean).join(" · "));
    setText(facts[1], [size, node.engine && `Docker ${node.engine}`].filter(Boolean).join(" · "));
    column.setAttribute("aria-label", `Node ${node.name}, ${role}, ${name}`);
    const none = { ready: "No tasks", drain: "Drained: accepts no tasks", down: "Unreachable",
        pause: "Paused: accepts no new tasks" };
    drawTasks(column.querySelector(".tasks"), state.tasks.filter((task) => task.node === node.id), none[name] ?? "");
}

// ---- events -------------------------------------------------------------------------------

function timeText(iso) {
    const time = new Date(iso);
    return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString([], { hour12: false });
}

function drawEvents() {
    $("quiet").hidden = state.events.length > 0;
    $("events").hidden = state.events.length === 0;
    const seen = new Map();
    const keyed = [...state.events].reverse().map((event) => {
        const base = `${event.at} ${event.text}`;
        seen.set(base, (seen.get(base) ?? 0) + 1);
        return { ...event, key: `${base} ${seen.get(base)}` };
    }).reverse();
    reconcile($("events"), keyed, (event) => event.key, (event) => {
        const line = element("li");
        line.dataset.state = event.level;
        const time = element("time", "", timeText(event.at));
        time.dateTime = event.at;
        line.append(time, element("span", "mark"), element("span", "", event.text));
        return line;
    }, () => {});
}

function draw() {
    if (!state) return;
    drawTitle();
    drawQuorum();
    drawTraffic();
    drawServices();
    reconcile($("nodes"), state.nodes, (node) => node.id, makeNode, updateNode);
    const homeless = state.tasks.filter((task) => !state.nodes.some((node) => node.id === task.node));
    $("waiting").hidden = homeless.length === 0;
    drawTasks($("waiting-tasks"), homeless, "");
    drawEvents();
    drawBadge();
}

// ---- keyboard, colours, connection --------------------------------------------------------

function moveFocus(key) {
    const box = document.activeElement?.closest(".task");
    const columns = [...document.querySelectorAll(".node")].map((node) => [...node.querySelectorAll(".task")]);
    if (!box) return columns.flat()[0]?.focus();
    const x = columns.findIndex((column) => column.includes(box));
    if (x < 0) return;
    const y = columns[x].indexOf(box);
    if (key === "ArrowUp" || key === "ArrowDown") {
        columns[x][y + (key === "ArrowDown" ? 1 : -1)]?.focus();
        return;
    }
    const step = key === "ArrowRight" ? 1 : -1;
    let next = x + step;
    while (columns[next] && columns[next].length === 0) next += step;
    if (columns[next]) columns[next][Math.min(y, columns[next].length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
        openTasks.clear();
        chosenService = null;
        draw();
    } else if (event.key.startsWith("Arrow") && !event.altKey && !event.ctrlKey && !event.metaKey &&
               !document.activeElement?.closest(".events")) {
        event.preventDefault();
        moveFocus(event.key);
    }
});

const themes = ["auto", "light", "dark"];
const darkSystem = matchMedia("(prefers-color-scheme: dark)");
let theme = themes.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "auto";

function applyTheme() {
    const isDark = theme === "dark" || (theme === "auto" && darkSystem.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    setText($("theme"), theme[0].toUpperCase() + theme.slice(1));
    $("theme").setAttribute("aria-label", `Colors: ${theme}`);
}

$("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    localStorage.setItem("theme", theme);
    applyTheme();
});
darkSystem.addEventListener("change", applyTheme);
applyTheme();

let source = null;
let listeningSince = 0;

function listen() {
    listeningSince = Date.now();
    source?.close();
    source = new EventSource("/api/events");
    source.addEventListener("state", (event) => {
        state = JSON.parse(event.data);
        lastWord = Date.now();
        clockOffset = Date.parse(state.now) - Date.now();
        draw();
    });
    source.addEventListener("beat", (event) => {
        lastWord = Date.now();
        if (state) state.at = JSON.parse(event.data).at;
        drawBadge();
    });
}
listen();

setInterval(() => {
    for (const box of document.querySelectorAll(".task")) setText(box.querySelector(".age"), ageText(box.dataset.since));
    drawBadge();
    // A connection whose peer vanished without closing it never fails by itself.
    const silentSince = Math.max(lastWord, listeningSince);
    if (source.readyState === EventSource.CLOSED || Date.now() - silentSince > SILENCE_MS) listen();
}, 1000);
