#include "engine/observe.h"

#include "core/secrecy.h"
#include "core/trace.h"
#include "planner/graph/computed.h"
#include "planner/graph/hide_secrets.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace hadeploy {

std::shared_ptr<OpenEndpoint> Endpoints::open(const std::string& provider,
                                              const Endpoint& endpoint) {
    {
        const std::lock_guard lock(mutex_);
        const auto it = open_.find(endpoint.key);
        if (it != open_.end() && it->second.config == endpoint.config) return it->second.endpoint;
    }
    // opening takes long, so it runs without the mutex; of two concurrent attempts, the first is
    // kept
    std::shared_ptr<OpenEndpoint> fresh;
    try {
        const Span span("open", shown_key(endpoint));
        fresh = registry_.provider(provider)->open(endpoint, context_);
    } catch (Error& error) {
        throw hide_secrets(std::move(error), endpoint.config);
    }
    const std::lock_guard lock(mutex_);
    Open& kept = open_[endpoint.key];
    if (!kept.endpoint || kept.config != endpoint.config)
        kept = {endpoint.config, std::move(fresh)};
    return kept.endpoint;
}

std::vector<Observation> Endpoints::read(const std::string& provider, const Endpoint& endpoint,
                                         const std::vector<ReadRequest>& requests,
                                         const Notice& notice) {
    const Notice hidden = [&](std::string_view text) {
        notice(without_secrets(std::string(text), endpoint.config));
    };
    const std::shared_ptr<OpenEndpoint> opened = open(provider, endpoint);
    std::vector<Observation> seen;
    try {
        seen = opened->read(requests, notice ? hidden : notice);
    } catch (Error& error) {
        throw hide_secrets(std::move(error), endpoint.config);
    }
    for (std::size_t i = 0; i < seen.size() && i < requests.size(); ++i)
        hide_secrets(seen[i], requests[i]);
    return seen;
}

namespace {
/// The attributes, which share memory with equal values of the config.
Value sharing(const Value& attributes, const Value& config) {
    if (!attributes.is_map()) return attributes;
    Value::Map entries = attributes.as_map();
    for (Entry& e : entries)
        if (const Value* same = config.find(e.key);
            same != nullptr && same->secret() == e.value.secret() && *same == e.value)
            e.value = *same;
    return Value::map(std::move(entries));
}

/// Replaces connections in `v` by the current ones of their machines.
Value with_connections(const Value& v, const std::map<std::string, Value>& current) {
    if (v.is_map() && v.has("machine") && v.has("address")) {
        const auto it = current.find(v.text("machine"));
        return it == current.end() || v == it->second ? v : it->second;
    }
    Value out = v;
    if (v.is_map()) {
        for (const Entry& e : v.as_map())
            if (e.value.is_map() || e.value.is_list())
                if (Value now = with_connections(e.value, current); !now.is_same(e.value))
                    out = out.with(e.key, std::move(now));
    } else if (v.is_list()) {
        Value::List items;
        bool any = false;
        for (const Value& item : v.as_list()) {
            items.push_back(with_connections(item, current));
            any = any || !items.back().is_same(item);
        }
        if (any) out = Value::list(std::move(items)).at(v.loc());
        if (any && v.secret()) out = out.as_secret();
    }
    return out;
}

/// Updates recorded connections, because a recreated machine has a different host key.
void follow_machines(PriorState& prior) {
    std::map<std::string, Value> current;
    for (const auto& [address, r] : prior.recorded) {
        const Value& connection = r.attributes["connection"];
        if (connection.is_map() && connection.text("machine") == address &&
            !connection.contains_unknown())
            current.emplace(address, connection);
    }
    if (current.empty()) return;
    for (auto& [address, r] : prior.recorded) {
        if (current.contains(address)) continue;
        r.config = with_connections(r.config, current);
        r.attributes = with_connections(r.attributes, current);
    }
}

} // namespace

PriorState load_prior_state(const Store& store) {
    return load_prior_state_but(store, {});
}

PriorState load_prior_state_but(const Store& store, const std::vector<std::string>& types) {
    const Span span("load the state");
    PriorState prior;
    prior.lineage = store.lineage();
    prior.serial = store.serial();
    prior.outputs = store.outputs();
    store.each_row_but(types, [&](RecordedResource r) {
        r.attributes = sharing(r.attributes, r.config);
        // rows are ordered by address
        prior.recorded.emplace_hint(prior.recorded.end(), r.address, std::move(r));
    });
    for (const Intent& i : store.intents()) {
        prior.interrupted[i.address] = i.action;
        if (i.action == ChangeKind::update) prior.attempted[i.address] = i.config;
        if (i.action != ChangeKind::create) continue;
        // a partly created object is managed: it is found by its identity, then completed or
        // removed
        prior.recorded[i.address] = {i.address, i.type,   i.generation, i.identity,
                                     i.config,  i.config, i.depends_on, false};
        prior.unfinished.insert(i.address);
    }
    follow_machines(prior);
    return prior;
}

std::vector<Intent> moved_intents(std::vector<Intent> open, const Moves& moves) {
    for (Intent& intent : open) {
        intent.address = address_now(moves, intent.address);
        for (std::string& d : intent.depends_on) d = address_now(moves, d);
        intent.config = with_machines_moved(intent.config, moves);
    }
    return open;
}

Graph::Values recorded_values(const Graph& graph, const PriorState& prior) {
    return [&graph, &prior](NodeId id) {
        const auto it = prior.recorded.find(graph[id].address);
        return it == prior.recorded.end() ? Value::unknown() : it->second.attributes;
    };
}

namespace {

/// Reads one batch. Returns an error if the endpoint does not respond.
std::optional<Error> read_batch(const Batch& batch, const std::vector<PlannedRead>& reads,
                                Endpoints& endpoints, const Notice& notice,
                                std::vector<Observation>& out) {
    std::vector<ReadRequest> requests;
    for (const std::size_t i : batch.reads) requests.push_back(reads[i].request);
    const Span span("read", shown_key(batch.endpoint));
    try {
        const std::string& provider = requests.front().type->provider;
        out = endpoints.read(provider, batch.endpoint, requests, notice);
        return std::nullopt;
    } catch (Error& error) {
        return std::move(error);
    } catch (const Interrupted&) { // in a thread of refresh(): other results remain useful
        return Error(ErrorKind::unreachable, "it did not answer in time");
    }
}

/// The secrets of all resources and data sources that are known.
Redactor known_secrets(const PriorState& prior) {
    Value::List all;
    for (const auto& [address, record] : prior.recorded)
        if (record.attributes.contains_secret()) all.push_back(record.attributes);
    for (const auto& [address, seen] : prior.observed)
        if (seen.attributes.contains_secret()) all.push_back(seen.attributes);
    Redactor redact;
    redact.add(Value::list(std::move(all)));
    return redact;
}
} // namespace

void refresh(PriorState& prior, const std::vector<PlannedRead>& reads, Endpoints& endpoints,
             Events& events) {
    std::vector<bool> done(reads.size());
    std::map<std::string, Error> dead;
    std::optional<Redactor> redact;
    while (true) {
        std::set<std::string> dead_keys;
        for (const auto& [key, error] : dead) dead_keys.insert(key);
        const std::vector<Batch> wave = next_wave(reads, prior, dead_keys, done);
        if (wave.empty()) break;

        std::vector<std::vector<Observation>> answers(wave.size());
        std::vector<std::optional<Error>> errors(wave.size());
        for (const Batch& b : wave) events.reading(shown_key(b.endpoint), b.reads.size());
        {
            std::atomic<std::size_t> next = 0;
            std::mutex telling;
            const auto work = [&] {
                for (std::size_t i = next++; i < wave.size(); i = next++) {
                    const Notice notice = [&](std::string_view what) {
                        const std::lock_guard lock(telling);
                        events.waiting(shown_key(wave[i].endpoint), what);
                    };
                    errors[i] = read_batch(wave[i], reads, endpoints, notice, answers[i]);
                }
            };
            const std::size_t count = std::min(endpoints.at_once(), wave.size());
            std::vector<std::jthread> threads; // in addition to this thread
            while (threads.size() + 1 < count) threads.emplace_back(work);
            work();
        }
        for (std::size_t i = 0; i < wave.size(); ++i) {
            if (errors[i]) {
                dead.emplace(wave[i].endpoint.key, *errors[i]);
                continue;
            }
            for (std::size_t k = 0; k < wave[i].reads.size(); ++k) {
                const std::size_t s = wave[i].reads[k];
                if (HeapOptional<Error>& error = answers[i][k].error) {
                    // a script can print a secret of another resource that is part of the script's
                    // text
                    if (!redact) redact = known_secrets(prior);
                    error->message = (*redact)(error->message);
                    error->hint = (*redact)(error->hint);
                    for (Note& note : error->notes) note.text = (*redact)(note.text);
                }
                prior.observed[reads[s].request.address] = std::move(answers[i][k]);
                done[s] = true;
            }
        }
    }
    for (const PlannedRead& s : reads) {
        if (prior.observed.contains(s.request.address) || s.candidates.empty()) continue;
        const auto first = dead.find(s.candidates.front().key);
        if (first != dead.end())
            prior.observed[s.request.address] = Observation::failed(first->second);
    }
}

void read_data(PriorState& prior, const Graph& graph, const ProviderSettings& settings,
               Endpoints& endpoints, Events& events) {
    // data sources can depend on each other; a chain is at most as long as the number of nodes
    for (std::size_t round = 0; round < graph.nodes().size(); ++round) {
        const std::vector<PlannedRead> reads = reads_of_data(graph, prior, settings);
        if (reads.empty()) return;
        for (const PlannedRead& s : reads) prior.observed.erase(s.request.address);
        refresh(prior, reads, endpoints, events);
        bool any = false;
        for (const PlannedRead& s : reads) {
            const auto seen = prior.observed.find(s.request.address);
            if (seen == prior.observed.end()) continue; // its machine is not up
            any = true;
            Value& attributes = seen->second.attributes;
            attributes = complete(*s.request.type, s.request.config, attributes);
        }
        if (!any) return;
    }
}

ProviderSettings provider_settings(const Graph& graph) {
    ProviderSettings out;
    Diagnostics diagnostics;
    for (const auto& provider : graph.registry().providers())
        out[provider->name] = graph.settings(*provider, diagnostics);
    diagnostics.throw_if_any();
    return out;
}

} // namespace hadeploy
