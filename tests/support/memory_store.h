#pragma once

#include "state/store.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace hadeploy::fake {

/// Simulates the kill of a process before one of its lasting effects (a change of an object, a
/// write of the state): this and all later effects fail.
class Fuse {
  public:
    /// @param effects  number of effects before the kill; negative: no kill
    void light(int effects) {
        const std::lock_guard lock(mutex_);
        left_ = effects;
        dead_ = false;
    }
    /// @throws Error after the kill
    void effect() {
        const std::lock_guard lock(mutex_);
        if (left_ == 0) dead_ = true;
        if (dead_) throw Error(ErrorKind::failed, "the process was killed");
        if (left_ > 0) --left_;
    }
    bool dead() {
        const std::lock_guard lock(mutex_);
        return dead_;
    }

  private:
    std::mutex mutex_;
    int left_ = -1;
    bool dead_ = false;
};

/// The contents of a state file.
struct MemoryState {
    std::map<std::string, RecordedResource> rows;
    std::vector<Intent> intents;
    Value outputs = Value::map({});
    std::int64_t serial = 0, last_intent = 0, last_run = 0;
};

/// A store in memory with atomic calls. Not covered: durability, locking, secrets, history.
class MemoryStore final : public Store {
  public:
    MemoryStore(MemoryState& state, Fuse& fuse) : state_(state), fuse_(fuse) {}

    void lock(const std::string&, std::int64_t) override {}
    bool existed() const override { return true; }
    std::string project() const override { return "test"; }
    std::string lineage() const override { return "00000000-0000-4000-8000-000000000000"; }
    std::int64_t serial() const override { return state_.serial; }
    std::vector<RecordedResource> rows() const override {
        std::vector<RecordedResource> out;
        for (const auto& [address, row] : state_.rows) out.push_back(row);
        return out;
    }
    void each_row_but(const std::vector<std::string>& types,
                      const std::function<void(RecordedResource)>& use) const override {
        for (const auto& [address, row] : state_.rows)
            if (std::find(types.begin(), types.end(), row.type) == types.end()) use(row);
    }
    std::optional<RecordedResource> row(const std::string& address) const override {
        const auto it = state_.rows.find(address);
        return it == state_.rows.end() ? std::nullopt : std::optional(it->second);
    }
    std::vector<Intent> intents() const override { return state_.intents; }
    std::string mac(std::string_view) const override { return {}; }

    void begin(std::vector<Intent>& intents) override {
        write([&] {
            for (const Intent& intent : intents)
                erase([&](const Intent& i) {
                    return i.address == intent.address && i.run < intent.run &&
                           !(intent.action == ChangeKind::remove && i.action == ChangeKind::create);
                });
            for (Intent& intent : intents) {
                intent.id = ++state_.last_intent;
                state_.intents.push_back(intent);
            }
        });
    }
    void withdraw(const std::vector<Intent>& intents) override {
        write([&] {
            for (const Intent& intent : intents) settle(intent.id);
        });
    }
    void finish(std::int64_t intent, const RecordedResource& row) override {
        write([&] {
            settle(intent);
            state_.rows[row.address] = row;
        });
    }
    void finish_removed(std::int64_t intent, const std::string& address) override {
        write([&] {
            const auto it = std::find_if(state_.intents.begin(), state_.intents.end(),
                                         [&](const Intent& i) { return i.id == intent; });
            const std::int64_t generation = it->generation;
            const auto row = state_.rows.find(address);
            if (row != state_.rows.end() && row->second.generation <= generation)
                state_.rows.erase(row);
            erase([&](const Intent& i) {
                return i.address == address && i.id < intent && i.generation <= generation;
            });
            settle(intent);
        });
    }
    void put(const std::vector<RecordedResource>& rows,
             const std::vector<std::string>& forgotten) override {
        if (rows.empty() && forgotten.empty()) return;
        write([&] {
            for (const std::string& address : forgotten) {
                state_.rows.erase(address);
                erase([&](const Intent& i) { return i.address == address; });
            }
            for (const RecordedResource& row : rows) {
                state_.rows[row.address] = row;
                erase([&](const Intent& i) { return i.address == row.address; });
            }
        });
    }
    void move(const std::map<std::string, std::string>& moves,
              const std::vector<RecordedResource>& rows, const std::vector<Intent>& open) override {
        write([&] {
            std::map<std::string, RecordedResource> moved;
            for (const auto& [from, to] : moves) {
                const auto it = state_.rows.find(from);
                if (it == state_.rows.end()) continue;
                moved[to] = it->second;
                moved[to].address = to;
                state_.rows.erase(it);
            }
            for (auto& [address, row] : moved) state_.rows[address] = row;
            for (const RecordedResource& row : rows) state_.rows[row.address] = row;
            state_.intents = open;
        });
    }
    void restore(const std::vector<RecordedResource>&, const Value&, const std::string&,
                 std::int64_t) override {}
    void rekey(const KeySource&) override {}
    Value outputs() const override { return state_.outputs; }
    void set_outputs(const Value& outputs) override {
        write([&] { state_.outputs = outputs; });
    }
    std::int64_t begin_run(const std::string&, const Value&) override {
        write([&] { ++state_.last_run; });
        return state_.last_run;
    }
    void record_step(std::int64_t, const StepRecord&) override {}
    void end_run(std::int64_t, RunResult, const std::string&) override {}
    std::vector<Run> runs() const override { return {}; }
    std::vector<StepRecord> steps(std::int64_t) const override { return {}; }

  private:
    template<class Change>
    void write(const Change& change) {
        const std::lock_guard lock(mutex_);
        fuse_.effect();
        change();
        ++state_.serial;
    }
    template<class Which>
    void erase(const Which& which) {
        std::erase_if(state_.intents, which);
    }
    void settle(std::int64_t id) {
        erase([&](const Intent& i) { return i.id == id; });
    }

    MemoryState& state_;
    Fuse& fuse_;
    std::mutex mutex_;
};

} // namespace hadeploy::fake
