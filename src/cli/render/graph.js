"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const view = document.getElementById("view");
const search = document.getElementById("search");
const details = document.getElementById("details");
const kStart = 36;      // boxes shown at first, if folding can achieve that
const kLetter = 7.25, kRow = 46, kGap = 84, kMargin = 24, kLongest = 44;
const palette = new Map(data.actions.map((a) => [a.name, a]));
// the heaviest action determines the colour of a stack
const kWeight = ["unchanged", "forget", "adopt", "refresh", "read", "create", "update", "replace", "remove"];

// ---- groups: modules, their instances, blocks with instances, types where there are very many

/// The tree of the program with a parent of each group.
function grown(from, parent) {
    const out = { name: from.name, id: from.box, ofType: from.of_type === true, parent, open: false };
    out.children = (from.children ?? []).map((child) => grown(child, out));
    return out;
}
const root = grown(data.tree, null);
root.open = true;

function leavesOf(group, out = []) {
    if (group.id !== undefined) out.push(group.id);
    for (const child of group.children) leavesOf(child, out);
    return out;
}
function describe(group) {
    group.leaves = leavesOf(group);
    group.counts = new Map();
    for (const id of group.leaves) {
        const state = data.nodes[id].state;
        group.counts.set(state, (group.counts.get(state) ?? 0) + 1);
    }
    group.state = [...group.counts.keys()].sort((a, b) => kWeight.indexOf(b) - kWeight.indexOf(a))[0];
    group.types = [...new Set(group.leaves.map((id) => data.nodes[id].type))];
    for (const child of group.children) describe(child);
}
describe(root);

/// All visible boxes: those not folded into a group.
function visible(group = root, out = []) {
    for (const child of group.children) {
        if (child.children.length > 0 && child.open) visible(child, out);
        else out.push(child);
    }
    return out;
}
const groups = [];
(function collect(group) {
    for (const child of group.children) {
        if (child.children.length > 0) groups.push(child);
        collect(child);
    }
})(root);

/// Unfolds small groups as long as everything is readable.
function openForAStart() {
    for (const group of groups) group.open = false;
    for (let more = true; more;) {
        more = false;
        const shown = visible();
        const folded = shown.filter((g) => g.children.length > 0).sort((a, b) => a.children.length - b.children.length);
        for (const group of folded) {
            if (shown.length - 1 + group.children.length > kStart) break;
            group.open = more = true;
            break;
        }
    }
}

// ---- the layout: columns, dependencies to the left

function arrange() {
    const boxes = visible();
    const boxOf = new Map();
    boxes.forEach((box, i) => { for (const id of box.leaves) boxOf.set(id, i); });
    const merged = new Map();
    for (const [from, to] of data.edges) {
        const a = boxOf.get(from), b = boxOf.get(to);
        if (a === b) continue;
        const key = `${a} ${b}`;
        merged.set(key, { from: a, to: b, count: (merged.get(key)?.count ?? 0) + 1 });
    }
    const edges = [...merged.values()];
    const needs = boxes.map(() => []), neededBy = boxes.map(() => []);
    for (const edge of edges) {
        needs[edge.from].push(edge);
        neededBy[edge.to].push(edge);
    }
    // folded groups can depend on each other: ignore an edge that would close a cycle
    const column = boxes.map(() => 0), state = boxes.map(() => 0);
    const visit = (i) => {
        state[i] = 1;
        for (const edge of needs[i]) {
            if (state[edge.to] === 1) { edge.back = true; continue; }
            if (state[edge.to] === 0) visit(edge.to);
            column[i] = Math.max(column[i], column[edge.to] + 1);
        }
        state[i] = 2;
    };
    boxes.forEach((_, i) => { if (state[i] === 0) visit(i); });
    const columns = [];
    boxes.forEach((_, i) => { (columns[column[i]] ??= []).push(i); });
    // isolated boxes are below the rest of the first column
    columns[0]?.sort((a, b) => (neededBy[a].length === 0) - (neededBy[b].length === 0));
    const row = boxes.map(() => 0);
    const settle = () => columns.forEach((list) => list.forEach((i, r) => { row[i] = r - (list.length - 1) / 2; }));
    settle();
    for (let sweep = 0; sweep < 8; ++sweep) {
        const order = sweep % 2 === 0 ? columns.keys() : [...columns.keys()].reverse();
        for (const c of order) {
            const pull = new Map();
            for (const i of columns[c]) {
                const beside = sweep % 2 === 0 ? needs[i].map((e) => e.to) : neededBy[i].map((e) => e.from);
                pull.set(i, beside.length ? beside.reduce((sum, n) => sum + row[n], 0) / beside.length : row[i]);
            }
            columns[c].sort((a, b) => pull.get(a) - pull.get(b));
        }
        settle();
    }
    // split a long column into several adjacent ones
    const tallest = Math.max(10, Math.ceil(Math.sqrt(boxes.length) * 1.6));
    const places = boxes.map(() => ({ x: 0, y: 0 }));
    const widthOf = (i) => 24 + kLetter * Math.max(labelOf(boxes[i]).length, noteOf(boxes[i]).length * 0.92);
    let x = kMargin;
    const height = Math.min(tallest, Math.max(1, ...columns.map((list) => list.length))) * kRow;
    for (const list of columns) {
        const parts = Math.ceil(list.length / tallest), per = Math.ceil(list.length / parts);
        for (let part = 0; part < parts; ++part) {
            const here = list.slice(part * per, (part + 1) * per);
            const top = kMargin + (height - here.length * kRow) / 2;
            const widest = Math.max(...here.map(widthOf));
            here.forEach((i, r) => { places[i] = { x, y: top + (r + 0.5) * kRow, width: widthOf(i), right: x + widest + 6 }; });
            x += widest + (part + 1 < parts ? 18 : kGap);
        }
    }
    return { boxes, edges, needs, neededBy, places, width: x - kGap + kMargin, height: height + 2 * kMargin };
}

function cut(text) {
    return text.length <= kLongest ? text : `${text.slice(0, kLongest - 20)}...${text.slice(-17)}`;
}
function labelOf(box) {
    const symbol = palette.get(box.state).symbol;
    const name = cut(box.name);
    return box.children.length > 0 ? `${name}  (${box.leaves.length})` : symbol ? `${symbol} ${name}` : name;
}
/// The text below a name: the type, and for a stack the counts of its actions.
function noteOf(box) {
    const type = box.types.length === 1 ? box.types[0] : `${box.types.length} types`;
    if (box.children.length === 0) return type;
    const changes = [...box.counts].filter(([state]) => state !== "unchanged")
        .sort((a, b) => kWeight.indexOf(b[0]) - kWeight.indexOf(a[0]))
        .map(([state, n]) => `${palette.get(state).symbol}${n}`);
    return [box.ofType ? "" : type, ...changes].filter((part) => part !== "").join("  ");
}

// ---- the drawing

const kSvg = "http://www.w3.org/2000/svg";
function element(name, attributes = {}, text = null) {
    const out = document.createElementNS(kSvg, name);
    for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
    if (text !== null) out.textContent = text;
    return out;
}
const svg = element("svg", { id: "graph", "data-testid": "graph", "font-family": "monospace", "font-size": 12, role: "group", "aria-label": "Graph: the list of resources has the same content" });
const arrow = element("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" });
arrow.append(element("path", { d: "M0 0 L8 4 L0 8 z", class: "head" }));
const definitions = element("defs");
definitions.append(arrow);
const lines = element("g"), faces = element("g");
svg.append(definitions, lines, faces);
view.append(svg);

let shown, nodes, whole;
const box = { x: 0, y: 0, width: 1, height: 1 };
function show() { svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`); }

const countsOf = (at) => at.children.length === 0 ? at.state : [...at.counts].map(([state, n]) => `${n} ${state}`).join(", ");

function drawNode(at, i) {
    const place = shown.places[i], stack = at.children.length > 0;
    const note = noteOf(at), height = note ? 36 : 26;
    const out = element("g", { class: "node", "data-testid": `${stack ? "group" : "node"}-${at.name}`, "data-state": at.state,
        "data-type": at.types.join(" "), "data-count": at.leaves.length, tabindex: 0, role: "button",
        "aria-label": `${labelOf(at)} ${note}, ${countsOf(at)}${stack ? ", folded" : ""}`,
        transform: `translate(${place.x} ${place.y - height / 2})` });
    const rect = (x, y, name) => element("rect", { x, y, width: place.width, height, rx: 5, class: name });
    if (stack) out.append(rect(6, 5, "behind"), rect(3, 2.5, "behind"));
    out.append(rect(0, 0, "face"), element("text", { x: 10, y: 16, class: stack ? "count" : "name" }, `${labelOf(at)} `));
    if (note) out.append(element("text", { x: 10, y: 30, class: "type" }, note));
    out.addEventListener("mouseenter", () => choose(i));
    out.addEventListener("mouseleave", clear);
    out.addEventListener("focus", () => choose(i));
    out.addEventListener("blur", clear);
    const press = () => { stack ? toggle(at, true) : showEntry(at.id); };
    out.addEventListener("click", () => { if (!dragged) press(); });
    out.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(); }
        if (event.key === "f" && at.parent !== root) { event.preventDefault(); toggle(at.parent, false); }
    });
    return out;
}

function drawEdge(edge) {
    const from = shown.places[edge.to], to = shown.places[edge.from];
    // straight past the widest box of the column first, so that no box hides it; stacks have a depth
    const start = from.x + from.width + (shown.boxes[edge.to].children.length > 0 ? 6 : 0);
    const turn = Math.max(start, from.right), bend = Math.max(20, Math.abs(to.x - turn) / 2);
    const path = element("path", { class: "edge", "marker-start": "url(#arrow)", "stroke-width": Math.min(4, 1 + Math.log2(edge.count) / 2),
        d: `M${start} ${from.y} L${turn} ${from.y} C${turn + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}` });
    if (edge.back) { // against the direction of the columns: above the boxes
        const x = (place) => place.x + place.width / 2, top = (place) => place.y - 18;
        path.setAttribute("stroke-dasharray", "4 3");
        path.setAttribute("d", `M${x(from)} ${top(from)} C${x(from)} ${top(from) - 60} ${x(to)} ${top(to) - 60} ${x(to)} ${top(to)}`);
    }
    edge.path = path;
    return path;
}

function draw() {
    shown = arrange();
    nodes = shown.boxes.map(drawNode);
    lines.replaceChildren(...shown.edges.map(drawEdge));
    faces.replaceChildren(...nodes);
    whole = { x: 0, y: 0, width: Math.max(shown.width, 300), height: Math.max(shown.height, 120) };
    const chips = groups.filter((group) => group.open && shownWithin(group)).map((group) => {
        const chip = document.createElement("button");
        chip.dataset.testid = `close-${group.name}`;
        chip.textContent = `${cut(group.name)} ×`;
        chip.title = `fold ${group.name}`;
        chip.addEventListener("click", () => toggle(group, false));
        return chip;
    });
    document.getElementById("open").replaceChildren(...(chips.length > 40 ? [] : chips));
    if (search.value.trim() !== "" || chosenState) matches();
}
function shownWithin(group) {
    for (let at = group.parent; at; at = at.parent) if (!at.open) return false;
    return true;
}
function fitAll() {
    Object.assign(box, whole);
    const high = Math.min(innerHeight * 0.7, Math.max(320, whole.height * 1.5));
    view.style.height = `${high}px`;
    const least = 0.55; // pixels per unit: below this nothing is readable
    const across = view.clientWidth / least, down = view.clientHeight / least;
    if (box.width > across && box.height <= down) Object.assign(box, { width: across });
    const most = 1.5, real = Math.min(view.clientWidth / box.width, view.clientHeight / box.height);
    if (real > most) zoom(real / most);
    show();
}
function toggle(group, open) {
    group.open = open;
    if (!open) (function close(at) { at.open = at === group ? false : at.open; at.children.forEach(close); })(group);
    clear();
    draw();
    fitAll();
    const at = shown.boxes.findIndex((b) => b === group || (open && b.parent === group));
    if (at >= 0) nodes[at].focus({ preventScroll: true });
}

// ---- dependencies

function follow(start, edgesOf, next, relation) {
    const seen = new Set([start]), open = [start];
    let count = 0;
    while (open.length > 0) {
        for (const edge of edgesOf[open.pop()]) {
            edge.path.dataset.relation = relation;
            const other = next(edge);
            if (seen.has(other)) continue;
            seen.add(other);
            count += shown.boxes[other].leaves.length;
            if (nodes[other].dataset.relation === undefined) nodes[other].dataset.relation = relation;
            open.push(other);
        }
    }
    return count;
}
function clear() {
    svg.classList.remove("chosen");
    for (const item of svg.querySelectorAll("[data-relation]")) delete item.dataset.relation;
    details.textContent = "";
}
function choose(i) {
    clear();
    const at = shown.boxes[i];
    svg.classList.add("chosen");
    nodes[i].dataset.relation = "self";
    const below = follow(i, shown.needs, (edge) => edge.to, "needs");
    const above = follow(i, shown.neededBy, (edge) => edge.from, "needed-by");
    const what = (at.children.length > 0 ? `${at.leaves.length} resources  ` : "") + countsOf(at);
    details.textContent = `${at.name}  ${at.types.join(", ")}  ${what}  depends on ${below}, required by ${above}`;
}

// ---- the legend: colours, meanings and counts

let chosenState = null;
const legend = document.getElementById("legend");
for (const action of data.actions) {
    const count = root.counts.get(action.name) ?? 0;
    if (count === 0) continue;
    const entry = document.createElement("button");
    entry.dataset.testid = `legend-${action.name}`;
    entry.setAttribute("aria-pressed", "false");
    const colour = document.createElement("i");
    entry.dataset.state = action.name;
    entry.append(colour, `${action.symbol ? action.symbol + " " : ""}${action.label} ${count}`);
    entry.addEventListener("click", () => {
        chosenState = chosenState === action.name ? null : action.name;
        for (const other of legend.children) other.setAttribute("aria-pressed", String(other === entry && chosenState !== null));
        matches();
    });
    legend.append(entry);
}

// ---- the list of resources

const entries = new Map([...document.querySelectorAll("[data-box]")].map((item) => [Number(item.dataset.box), item]));
function showEntry(id) {
    const item = entries.get(id);
    item.hidden = false;
    for (let at = item.querySelector("details") ?? item; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const target = item.querySelector("summary") ?? item;
    target.scrollIntoView({ block: "center" });
    target.focus({ preventScroll: true });
}
function filterList(active, wanted) {
    for (const [id, item] of entries) item.hidden = active && !isHit(id, wanted);
    for (const group of document.querySelectorAll("li.group")) {
        group.hidden = active && !group.querySelector("[data-box]:not([hidden])");
        if (active && !group.hidden && wanted !== "") group.firstElementChild.open = true;
    }
}
for (const [button, open] of [["open-all", true], ["close-all", false]])
    document.getElementById(button).addEventListener("click", () => {
        for (const item of document.querySelectorAll("#list details")) item.open = open;
    });

// ---- searching, moving, zooming

function isHit(id, wanted) {
    const node = data.nodes[id];
    return (!chosenState || node.state === chosenState) &&
        (wanted === "" || `${node.address} ${node.type}`.toLowerCase().includes(wanted));
}
function matches() {
    const wanted = search.value.trim().toLowerCase();
    const active = wanted !== "" || chosenState !== null;
    let count = 0;
    const found = [];
    shown.boxes.forEach((at, i) => {
        const hits = active ? at.leaves.filter((id) => isHit(id, wanted)).length : 0;
        count += hits;
        if (hits > 0) nodes[i].dataset.match = "", found.push(i);
        else delete nodes[i].dataset.match;
    });
    svg.classList.toggle("searched", active);
    filterList(active, wanted);
    document.getElementById("found").textContent = active ? `${count} found` : "";
    return found;
}
function zoom(factor, x = box.x + box.width / 2, y = box.y + box.height / 2) {
    const width = Math.min(Math.max(box.width * factor, 100), whole.width * 8);
    const real = width / box.width;
    box.x = x - (x - box.x) * real;
    box.y = y - (y - box.y) * real;
    box.width *= real;
    box.height *= real;
    show();
}
/// Drawing units per pixel; the whole drawing fits, so one side can have spare room.
function scale() { return Math.max(box.width / view.clientWidth, box.height / view.clientHeight); }
view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !view.contains(document.activeElement)) return; // the page scrolls
    event.preventDefault();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    zoom(event.deltaY < 0 ? 0.85 : 1 / 0.85, at.x, at.y);
}, { passive: false });
let held = null, dragged = false;
view.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY };
    dragged = false;
    view.classList.add("moving");
});
window.addEventListener("pointermove", (event) => {
    if (!held) return;
    if (Math.abs(event.clientX - held.x) + Math.abs(event.clientY - held.y) > 3) dragged = true;
    box.x -= (event.clientX - held.x) * scale();
    box.y -= (event.clientY - held.y) * scale();
    held = { x: event.clientX, y: event.clientY };
    show();
});
window.addEventListener("pointerup", () => {
    held = null;
    view.classList.remove("moving");
});
search.addEventListener("input", matches);
search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
        search.value = "";
        matches();
        search.blur();
    } else if (event.key === "Enter") {
        const wanted = search.value.trim().toLowerCase();
        const id = data.nodes.findIndex((_, n) => isHit(n, wanted));
        if (wanted === "" || id < 0) return;
        // unfold groups down to the first match
        for (const group of groups) if (group.leaves.includes(id)) group.open = true;
        draw();
        matches();
        const i = shown.boxes.findIndex((at) => at.id === id), place = shown.places[i];
        box.x = place.x + place.width / 2 - box.width / 2;
        box.y = place.y - box.height / 2;
        show();
        nodes[i].focus({ preventScroll: true });
    }
});
window.addEventListener("keydown", (event) => {
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== "/" && !view.contains(event.target)) return;
    const step = box.width / 10;
    const keys = {
        "+": () => zoom(0.8), "-": () => zoom(1.25), "0": () => { Object.assign(box, whole); show(); },
        ArrowLeft: () => { box.x -= step; show(); }, ArrowRight: () => { box.x += step; show(); },
        ArrowUp: () => { box.y -= step; show(); }, ArrowDown: () => { box.y += step; show(); },
        "/": () => search.focus(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
});
for (const [id, open] of [["unfold", true], ["fold", false]])
    document.getElementById(id).addEventListener("click", () => {
        for (const group of groups) group.open = open;
        draw();
        fitAll();
    });
if (groups.length === 0) for (const id of ["unfold", "fold"]) document.getElementById(id).remove();
openForAStart();
draw();
fitAll();
