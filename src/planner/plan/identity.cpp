#include "planner/plan/identity.h"

#include "core/secrecy.h"
#include "core/value_json.h"
#include "planner/plan/generations.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <fmt/format.h>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace hadeploy {

namespace {

class IdentityFinder {
  public:
    IdentityFinder(const Graph& graph, const PriorState& prior, const std::vector<Value>& configs)
        : graph_(graph), prior_(prior), configs_(configs),
          records_(records_of(graph, prior.recorded)) {}

    Identities run() {
        list_open();
        if (wanting_.empty() || holding_.empty()) return {};
        move_by_name();
        move_by_count();
        diagnostics_.throw_if_any();
        out_.moves = with_room(out_.moves, prior_);
        find_look_alikes();
        find_take_overs();
        return std::move(out_);
    }

  private:
    /// Lists nodes without an identical record, and records without an identical node. An unchanged
    /// project has neither.
    void list_open() {
        for (NodeId id = 0; id < graph_.nodes().size(); ++id) {
            const Node& node = graph_[id];
            if (node.type->data || config_of(id).is_null()) continue;
            const RecordedResource* r = records_[id];
            if (r != nullptr && (node.lifecycle().ignore_all || !node.lifecycle().ignored.empty()))
                kept_.emplace(id, with_lifecycle(node, configs_[id], r, nullptr));
            if (r != nullptr && r->type == node.type->name && r->config.is_same(config_of(id)))
                continue;
            wanting_.push_back(id);
            if (r != nullptr) holding_.push_back(r);
        }
        auto node = graph_.nodes().begin(); // both are sorted by address
        for (const auto& [address, r] : prior_.recorded) {
            while (node != graph_.nodes().end() && node->address < address) ++node;
            if (node == graph_.nodes().end() || node->address != address) holding_.push_back(&r);
        }
    }

    /// The config without ignored changes, so that a resource whose path is ignored keeps its
    /// object.
    const Value& config_of(NodeId id) const {
        const auto it = kept_.find(id);
        return it == kept_.end() ? configs_[id] : it->second;
    }

    const ResourceType* type_of(const RecordedResource& r) const {
        return graph_.registry().type(r.type);
    }

    void move_by_name() {
        std::unordered_map<std::string, NodeId> wanted;
        for (const NodeId id : wanting_) {
            std::string name = object_name(*graph_[id].type, config_of(id));
            if (!name.empty()) wanted.emplace(std::move(name), id);
        }
        for (const RecordedResource* r : holding_) {
            const ResourceType* type = type_of(*r);
            const auto it =
                type == nullptr ? wanted.end() : wanted.find(object_name(*type, r->config));
            if (it == wanted.end()) continue;
            const Node& node = graph_[it->second];
            if (node.address == r->address) continue;
            if (holds_it(it->second, it->first) || takes_over(*r, node)) continue;
            if (contradicted(*r, node)) continue;
            add(r->address, node.address);
        }
    }

    /// Whether the node's own record is the record of that object.
    bool holds_it(NodeId id, const std::string& name) const {
        const RecordedResource* own = records_[id];
        const ResourceType* type = own == nullptr ? nullptr : type_of(*own);
        return type != nullptr && object_name(*type, own->config) == name;
    }

    /// Whether the record is that of a replacement that an interrupted run began. The replacement
    /// is completed at its address.
    bool takes_over(const RecordedResource& r, const Node& node) const {
        return resource_address(r.address) == node.address &&
               prior_.unfinished.contains(r.address) && prior_.recorded.contains(node.address);
    }

    bool contradicted(const RecordedResource& r, const Node& node) {
        for (const Move& move : graph_.spec().moved) {
            bool by_this = false;
            for (const auto& [from, to] : prior_.moved)
                by_this = by_this || (to == r.address && is_moved(move, from));
            if (!by_this) continue;
            const Value& config = config_of(*graph_.find(node.address));
            diagnostics_
                .add(fmt::format("moved: {} should become {}, but {} manages the same object ({})",
                                 move.from, move.to, node.address,
                                 without_secrets(node.type->claims(config).front(), config)),
                     move.loc)
                .with_note("here", node.block->loc)
                .with_hint(fmt::format("move it to {}, or delete the entry", node.address));
            return true;
        }
        return false;
    }

    /// Moves `a` to `a[0]`, or `a[0]` to `a`, for resources and modules.
    void move_by_count() {
        for (const RecordedResource* r : holding_) {
            if (graph_.find(r->address) || out_.moves.contains(r->address)) continue;
            for (const std::string& address : with_other_counts(r->address)) {
                const auto id = graph_.find(address);
                if (!id || records_[*id] != nullptr || targets_.contains(address) ||
                    graph_[*id].type->name != r->type)
                    continue;
                add(r->address, address);
                break;
            }
        }
    }

    /// The addresses with `[0]` inserted or removed at one or more places.
    static std::vector<std::string> with_other_counts(const std::string& address) {
        std::vector<std::string> out{""};
        std::size_t at = 0;
        while (at <= address.size()) {
            // a key can contain a dot
            std::size_t end = at;
            for (bool quoted = false; end < address.size(); ++end) {
                if (address[end] == '"') quoted = !quoted;
                if (address[end] == '.' && !quoted) break;
            }
            const std::string part = address.substr(at, end - at);
            std::vector<std::string> forms{part};
            if (part.ends_with("[0]"))
                forms.push_back(part.substr(0, part.size() - 3));
            else if (!part.ends_with(']') && part != "module")
                forms.push_back(part + "[0]");
            std::vector<std::string> longer;
            for (const std::string& start : out)
                for (const std::string& form : forms)
                    longer.push_back(start.empty() ? form : start + "." + form);
            out = std::move(longer);
            at = end + 1;
        }
        out.erase(out.begin()); // the unchanged address
        return out;
    }

    void add(const std::string& from, const std::string& to) {
        if (targets_.contains(to)) return; // the object has two records
        out_.moves.emplace(from, to);
        targets_.insert(to);
    }

    /// For types whose objects have no names: finds pairs of a removed and a created object whose
    /// attributes are equal.
    void find_look_alikes() {
        std::unordered_map<std::string, NodeId> made;
        for (const NodeId id : wanting_) {
            const Node& node = graph_[id];
            if (records_[id] == nullptr && !targets_.contains(node.address) &&
                object_name(*node.type, config_of(id)).empty())
                made.emplace(looks(*node.type, config_of(id)), id);
        }
        if (made.empty()) return;
        for (const RecordedResource* r : holding_) {
            const ResourceType* type = type_of(*r);
            if (type == nullptr || graph_.find(r->address) || out_.moves.contains(r->address) ||
                resource_address(r->address) != r->address ||
                !object_name(*type, r->config).empty())
                continue;
            const auto it = made.find(looks(*type, r->config));
            if (it == made.end()) continue;
            out_.look_alikes.emplace(graph_[it->second].address, r->address);
            made.erase(it);
        }
    }

    /// If an element is removed from the middle of a list of commands, each following command takes
    /// the index of its predecessor. The removal of the last index could then undo the effect of an
    /// equal command that has just run.
    void find_take_overs() {
        std::unordered_multimap<std::string, const RecordedResource*> held;
        for (const RecordedResource* r : holding_)
            if (const ResourceType* type = type_of(*r); type != nullptr &&
                                                        !out_.moves.contains(r->address) &&
                                                        object_name(*type, r->config).empty())
                held.emplace(looks(*type, r->config), r);
        if (held.empty()) return;
        for (const NodeId id : wanting_) {
            const Node& node = graph_[id];
            if (graph_.registry().provider(node.type->provider)->state_only || // nothing to remove
                !object_name(*node.type, config_of(id)).empty())
                continue;
            const auto [begin, end] = held.equal_range(looks(*node.type, config_of(id)));
            for (auto it = begin; it != end; ++it)
                if (resource_address(it->second->address) != node.address)
                    out_.take_overs.emplace(node.address, it->second->address);
        }
    }

    /// The whole config of a resource as one text for comparisons; never shown.
    static std::string looks(const ResourceType& type, const Value& config) {
        std::string out = type.name;
        for (const Attribute& a : type.schema)
            if (!a.computed && !a.operational) out += " " + to_json(config[a.name]);
        return out;
    }

    const Graph& graph_;
    const PriorState& prior_;
    const std::vector<Value>& configs_;                  ///< by node
    std::map<NodeId, Value> kept_;                       ///< see config_of()
    const std::vector<const RecordedResource*> records_; ///< by node
    std::vector<NodeId> wanting_;
    std::vector<const RecordedResource*> holding_;
    std::set<std::string> targets_; ///< new addresses of moved records
    Identities out_;
    Diagnostics diagnostics_;
};

} // namespace

std::string object_name(const ResourceType& type, const Value& config) {
    const std::vector<std::string> claims = type.claims(config);
    return claims.empty() ? "" : type.name + " " + claims.front();
}

Identities find_identities(const Graph& graph, const PriorState& prior,
                           const std::vector<Value>& configs) {
    if (prior.recorded.empty()) return {};
    return IdentityFinder(graph, prior, configs).run();
}

} // namespace hadeploy
