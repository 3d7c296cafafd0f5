#pragma once

#include "histories/world.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The objects that a random project wants, how its spec declares them, and how users edit it.
namespace hadeploy::histories {

struct Thing {
    int id = 0;
    int version = 0; ///< part of its name
    int size = 1;
    int value = 0;
    int hidden = 0;
    int port = 0;
    int machine = -1;    ///< id of its machine
    std::vector<int> on; ///< ids of older things, which must be alone in their block

    /// With create_before_destroy the old and the new object need different names.
    [[nodiscard]] std::string name(bool first) const {
        return first ? fmt::format("n{}-{}-s{}m{}", id, version, size, machine)
                     : fmt::format("n{}-{}", id, version);
    }
};

struct Block {
    enum class Form { single, count, keys };
    int label = 0;
    int module = -1; ///< -1: the root
    Form form = Form::single;
    bool first = false; ///< create_before_destroy
    bool found = false; ///< t.found
    std::vector<std::string> keys;
    std::vector<Thing> things;
};

struct MachineBlock {
    int id = 0;
    int label = 0;
    int version = 0, size = 1;
    [[nodiscard]] std::string name() const { return fmt::format("m{}-{}", id, version); }
};

struct ModuleCall {
    int label = 0; ///< of its call
    int form = 0;  ///< single, count: 1, for_each: [x]
};

/// The wanted object of a thing.
struct Wanted {
    std::string type, host;
    int size = 0, value = 0, hidden = 0, port = 0;
};

struct Model {
    std::vector<Block> blocks;
    std::vector<MachineBlock> machines;
    std::vector<ModuleCall> modules;

    [[nodiscard]] const MachineBlock* machine(int id) const {
        for (const MachineBlock& m : machines)
            if (m.id == id) return &m;
        return nullptr;
    }
    /// The blocks in a module or the root that hold a single thing, by the thing's id.
    [[nodiscard]] std::map<int, const Block*> alone(int module) const {
        std::map<int, const Block*> out;
        for (const Block& b : blocks)
            if (b.module == module && b.form == Block::Form::single && !b.things.empty())
                out[b.things[0].id] = &b;
        return out;
    }
    [[nodiscard]] std::map<std::string, Wanted> wanted() const {
        std::map<std::string, Wanted> out;
        for (const MachineBlock& m : machines) out[m.name()] = {"t.machine", "", m.size, 0, 0, 0};
        for (const Block& b : blocks)
            for (const Thing& t : b.things) {
                const MachineBlock* m = machine(t.machine);
                const std::string host = m ? m->name() : "";
                out[key_of(t.name(b.first), host)] = {
                    b.found ? "t.found" : "t.block", host, t.size, t.value, t.hidden, t.port};
            }
        return out;
    }

    [[nodiscard]] std::map<std::string, std::string> files() const {
        std::map<std::string, std::string> out;
        std::string root = "name: test\nresources:\n  none: {type: t.block, name: none}\n";
        for (const MachineBlock& m : machines)
            root += fmt::format("  m{}: {{type: t.machine, name: {}, size: {}}}\n", m.label,
                                m.name(), m.size);
        std::string locals = "locals:\n  none: 0\n";
        for (const Block& b : blocks)
            if (b.module < 0) add(root, locals, b);
        std::string calls = "modules:\n";
        for (std::size_t i = 0; i < modules.size(); ++i) {
            const ModuleCall& call = modules[i];
            std::string inside = "resources:\n", names = "locals:\n  none: 0\n";
            for (const Block& b : blocks)
                if (b.module == static_cast<int>(i)) add(inside, names, b);
            std::string inputs = "variables:\n  none: {default: 0}\n", with;
            for (const MachineBlock& m : machines) {
                inputs += fmt::format("  m{}: {{type: connection}}\n", m.label);
                with += fmt::format("{}m{}: '${{m{}.connection}}'", with.empty() ? "" : ", ",
                                    m.label, m.label);
            }
            if (inside == "resources:\n") inside.clear();
            const char* forms[] = {"", ", count: 1", ", for_each: [x]"};
            calls += fmt::format("  c{}: {{source: s{}, with: {{{}}}{}}}\n", call.label, i, with,
                                 forms[call.form]);
            out[fmt::format("s{}/module.yaml", i)] = inputs + names + inside;
        }
        out["hadeploy.yaml"] = root + locals + (modules.empty() ? "" : calls);
        return out;
    }

  private:
    [[nodiscard]] std::string host(const Thing& t, bool root) const {
        const MachineBlock* m = machine(t.machine);
        if (m == nullptr) return "null";
        return root ? fmt::format("\"${{m{}.connection}}\"", m->label)
                    : fmt::format("\"${{var.m{}}}\"", m->label);
    }

    [[nodiscard]] std::string bases(const Thing& t, int module) const {
        const std::map<int, const Block*> here = alone(module);
        std::string out;
        for (const int id : t.on)
            if (const auto it = here.find(id); it != here.end())
                out +=
                    fmt::format("{}\"${{b{}.name}}\"", out.empty() ? "" : ", ", it->second->label);
        return "[" + out + "]";
    }

    [[nodiscard]] std::string fields(const Block& b, const Thing& t) const {
        return fmt::format("name: {}, size: {}, value: v{}, hidden: {}, port: {}, on: {}, host: {}",
                           t.name(b.first), t.size, t.value, t.hidden, t.port, bases(t, b.module),
                           host(t, b.module < 0));
    }

    void add(std::string& resources, std::string& locals, const Block& b) const {
        if (b.things.empty()) return;
        const char* type = b.found ? "t.found" : "t.block";
        const char* more = b.first ? ", lifecycle: {create_before_destroy: true}" : "";
        if (b.form == Block::Form::single) {
            resources += fmt::format("  b{}: {{type: {}, {}{}}}\n", b.label, type,
                                     fields(b, b.things[0]), more);
            return;
        }
        std::string entries;
        for (std::size_t i = 0; i < b.things.size(); ++i) {
            const std::string key = b.form == Block::Form::keys ? b.keys[i] + ": " : std::string();
            entries +=
                fmt::format("{}{}{{{}}}", entries.empty() ? "" : ", ", key, fields(b, b.things[i]));
        }
        const bool keys = b.form == Block::Form::keys;
        locals +=
            fmt::format("  l{}: {}{}{}\n", b.label, keys ? "{" : "[", entries, keys ? "}" : "]");
        const std::string at = keys ? "each.value" : fmt::format("local.l{}[count.index]", b.label);
        std::string attributes;
        for (const char* name : {"name", "size", "value", "hidden", "port", "on", "host"})
            attributes += fmt::format("{0}: \"${{{1}.{0}}}\", ", name, at);
        resources += fmt::format("  b{}: {{type: {}, {}: \"{}\", {}{}}}\n", b.label, type,
                                 keys ? "for_each" : "count",
                                 keys ? fmt::format("${{local.l{}}}", b.label)
                                      : fmt::format("${{length(local.l{})}}", b.label),
                                 attributes.substr(0, attributes.size() - 2), more);
    }
};

/// Edits a model as users edit specs. Everything is determined by the seed.
class Editor {
  public:
    explicit Editor(unsigned seed) : random_(seed) {}

    unsigned below(std::size_t n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned percent) { return below(100) < percent; }

    Model start() {
        Model m;
        for (unsigned i = below(3); i > 0; --i) add_machine(m);
        for (unsigned i = below(3); i > 0; --i)
            m.modules.push_back({next_++, static_cast<int>(below(3))});
        for (unsigned i = 2 + below(4); i > 0; --i) add_block(m);
        return m;
    }

    void edit(Model& m) {
        switch (below(16)) {
        case 0: return rename(m);
        case 1: return relocate(m);
        case 2:
        case 3: return keys(m);
        case 4:
        case 5: return order(m);
        case 6: return form(m);
        case 7:
        case 8: return thing(m);
        case 9: return base(m);
        case 10: return add_block(m);
        case 11:
            if (!m.blocks.empty()) m.blocks.erase(m.blocks.begin() + below(m.blocks.size()));
            return;
        case 12: return machine(m);
        case 13: return module(m);
        case 14: return ports(m);
        default:
            if (Block* b = pick(m)) b->first = !b->first;
        }
    }

  private:
    Block* pick(Model& m) { return m.blocks.empty() ? nullptr : &m.blocks[below(m.blocks.size())]; }

    Thing new_thing(const Model& m) {
        Thing t{.id = next_++, .value = static_cast<int>(below(3))};
        if (!m.machines.empty() && chance(40)) t.machine = m.machines[below(m.machines.size())].id;
        for (unsigned i = below(3); i > 0 && t.id > 1; --i)
            t.on.push_back(static_cast<int>(below(t.id)));
        return t;
    }

    void add_machine(Model& m) {
        const int id = next_++;
        m.machines.push_back({id, id, 0, 1});
    }

    std::string new_key() { return fmt::format("k{}", next_++); }

    void add_block(Model& m) {
        Block b{.label = next_++};
        if (!m.modules.empty() && chance(40)) b.module = static_cast<int>(below(m.modules.size()));
        b.form = static_cast<Block::Form>(below(3));
        b.first = chance(20);
        b.found = chance(20);
        const unsigned n = b.form == Block::Form::single ? 1 : 1 + below(3);
        for (unsigned i = 0; i < n; ++i) {
            b.things.push_back(new_thing(m));
            b.keys.push_back(new_key());
        }
        m.blocks.push_back(std::move(b));
    }

    void rename(Model& m) {
        if (Block* b = pick(m)) b->label = next_++;
    }

    void relocate(Model& m) {
        Block* b = pick(m);
        if (b == nullptr || m.modules.empty()) return;
        b->module = static_cast<int>(below(m.modules.size() + 1)) - 1;
        if (chance(50)) b->label = next_++;
    }

    void keys(Model& m) {
        Block* b = pick(m);
        if (b == nullptr || b->things.empty()) return;
        const unsigned i = below(b->things.size()), j = below(b->things.size());
        if (chance(50))
            b->keys[i] = new_key();
        else
            std::swap(b->keys[i], b->keys[j]);
    }

    /// Edits a list: swaps, removes or inserts things.
    void order(Model& m) {
        Block* b = pick(m);
        if (b == nullptr || b->form == Block::Form::single || b->things.empty()) return;
        const unsigned i = below(b->things.size()), j = below(b->things.size());
        switch (below(3)) {
        case 0:
            std::swap(b->things[i], b->things[j]);
            std::swap(b->keys[i], b->keys[j]);
            return;
        case 1:
            b->things.erase(b->things.begin() + i);
            b->keys.erase(b->keys.begin() + i);
            return;
        default:
            b->things.insert(b->things.begin() + i, new_thing(m));
            b->keys.insert(b->keys.begin() + i, new_key());
        }
    }

    void form(Model& m) {
        Block* b = pick(m);
        if (b == nullptr || b->things.empty()) return;
        b->form = static_cast<Block::Form>(below(3));
        if (b->form != Block::Form::single) return;
        b->things.resize(1);
        b->keys.resize(1);
    }

    void thing(Model& m) {
        Block* b = pick(m);
        if (b == nullptr || b->things.empty()) return;
        Thing& t = b->things[below(b->things.size())];
        switch (below(7)) {
        case 5:
        case 6: t.hidden = static_cast<int>(below(3)); return;
        case 0: ++t.version; return;
        case 1: t.size = 1 + static_cast<int>(below(3)); return;
        case 2:
            t.machine = m.machines.empty() ? -1 : m.machines[below(m.machines.size())].id;
            return;
        case 3: t.on.clear(); return;
        default: t.value = static_cast<int>(below(3));
        }
    }

    /// Changes a thing that others depend on, and some of these.
    void base(Model& m) {
        Block* b = pick(m);
        if (b == nullptr || b->things.empty()) return;
        const int id = b->things[0].id;
        b->things[0].size = 1 + static_cast<int>(below(3));
        for (Block& other : m.blocks)
            for (Thing& t : other.things)
                if (std::find(t.on.begin(), t.on.end(), id) != t.on.end()) {
                    if (chance(40)) t.size = 1 + static_cast<int>(below(3));
                    if (chance(20)) ++t.version;
                }
        if (chance(20)) b->things.clear(), b->keys.clear();
    }

    void machine(Model& m) {
        const unsigned what = below(5);
        if (what == 0 || m.machines.empty()) return add_machine(m);
        MachineBlock& one = m.machines[below(m.machines.size())];
        if (what == 1) one.size = 1 + static_cast<int>(below(3));
        if (what == 2) ++one.version;
        if (what == 3) one.label = next_++;
        if (what != 4) return;
        for (Block& b : m.blocks) // the things on it are created elsewhere, as new objects
            for (Thing& t : b.things)
                if (t.machine == one.id) t.machine = -1, ++t.version;
        m.machines.erase(m.machines.begin() + (&one - m.machines.data()));
    }

    void module(Model& m) {
        if (m.modules.empty()) return;
        ModuleCall& one = m.modules[below(m.modules.size())];
        if (chance(50))
            one.label = next_++;
        else
            one.form = static_cast<int>(below(3));
    }

    /// Moves a port to another thing. A swap of ports has no valid order.
    void ports(Model& m) {
        Block* a = pick(m);
        Block* b = pick(m);
        if (a == nullptr || a->things.empty() || b->things.empty()) return;
        Thing& x = a->things[below(a->things.size())];
        Thing& y = b->things[below(b->things.size())];
        if (x.port == 0)
            x.port = 1000 + next_++;
        else if (x.id != y.id && chance(80))
            y.port = std::exchange(x.port, 0);
        else
            std::swap(x.port, y.port);
    }

    std::mt19937 random_;
    int next_ = 1;
};

} // namespace hadeploy::histories
