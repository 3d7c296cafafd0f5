#include "database/engine.h"

#include "common/entity.h"
#include "common/log.h"
#include "common/service.h"

#include <algorithm>
#include <utility>

namespace hadeploy::svc {
namespace {

constexpr const char* kStandsBy = "this database is a standby until the lock is free";
constexpr auto kLockPause = std::chrono::milliseconds(100);
constexpr std::size_t kMostWaiting = 1024;
constexpr std::size_t kMostBatch = 64;
constexpr std::int64_t kMostPage = 1000;

Json to_json(const Write& write) {
    return {{"seq", write.seq},       {"id", write.id},
            {"name", write.name},     {"quantity", write.quantity},
            {"action", write.action}, {"total", write.total},
            {"at", write.at},         {"node", write.node}};
}

Json to_json(const Entity& entity) {
    return {
        {"name", entity.name}, {"quantity", entity.quantity}, {"changed_at", entity.changed_at}};
}

void require(const std::string& problem) {
    if (!problem.empty()) throw RpcError("invalid", problem);
}

std::int64_t page_size(const Json& request) {
    return std::clamp<std::int64_t>(request.value("limit", kMostPage), 1, kMostPage);
}

Json answer_put(Store& store, const Json& request) {
    const std::string id = request.at("id");
    const std::string name = request.at("name");
    const std::int64_t quantity = request.at("quantity");
    require(id_problem(id));
    require(name_problem(name));
    require(quantity_problem(quantity));
    const Store::PutResult result = store.put(id, name, quantity);
    return {{"ok", true}, {"write", to_json(result.write)}, {"replayed", result.is_replay}};
}

Json answer_list(Store& store, const Json& request) {
    Json list = Json::array();
    for (const Entity& entity : store.entities(request.value("after", ""), page_size(request)))
        list.push_back(to_json(entity));
    return {{"ok", true}, {"entities", std::move(list)}, {"count", store.entity_count()}};
}

Json answer_writes(Store& store, const Json& request) {
    const std::int64_t after = request.value("after", std::int64_t{0});
    const std::string prefix = request.value("prefix", "");
    if (!prefix.empty()) require(id_problem(prefix));
    const std::vector<Write> writes = prefix.empty()
                                          ? store.writes_after(after, page_size(request))
                                          : store.writes_after(after, page_size(request), prefix);
    Json list = Json::array();
    for (const Write& write : writes) list.push_back(to_json(write));
    return {{"ok", true}, {"writes", std::move(list)}, {"last", store.last_seq()}};
}

template<typename T>
Json answer_found(const char* key, const std::optional<T>& found) {
    if (!found) throw RpcError("not_found", std::string("there is no such ") + key);
    return {{"ok", true}, {key, to_json(*found)}};
}

Json answer(Store& store, const Json& request) {
    const std::string op = request.at("op");
    if (op == "put") return answer_put(store, request);
    if (op == "get") return answer_found("entity", store.find_entity(request.at("name")));
    if (op == "list") return answer_list(store, request);
    if (op == "write") return answer_found("write", store.find_write(request.at("id")));
    if (op == "writes") return answer_writes(store, request);
    if (op == "check") return {{"ok", true}, {"integrity", store.check()}};
    throw RpcError("invalid", "unknown op " + op);
}

} // namespace

Engine::Engine(std::string directory, std::string node)
    : directory_(std::move(directory)), node_(std::move(node)), worker_([this] { work(); }) {}

Engine::~Engine() {
    stop();
}

void Engine::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (worker_.joinable()) worker_.join();
}

Json Engine::run(const Json& request) {
    std::future<Json> result;
    {
        const std::lock_guard lock(mutex_);
        const std::string op = request.value("op", "");
        if (role_ == Role::starting) throw RpcError("starting", "the database is not ready yet");
        if (op == "ping" && !stopping_)
            return {{"ok", true}, {"node", node_}, {"standby", role_ == Role::standby}};
        if (role_ == Role::standby || stopping_) throw RpcError("standby", kStandsBy);
        if (op == "active") return {{"ok", true}, {"node", node_}};
        if (jobs_.size() >= kMostWaiting) throw RpcError("busy", "too many requests are waiting");
        jobs_.push_back({request, {}});
        result = jobs_.back().answer.get_future();
    }
    changed_.notify_all();
    try {
        return result.get();
    } catch (const std::future_error&) {
        throw RpcError("unavailable", "the database stopped before the request was complete");
    }
}

bool Engine::wait_beyond(std::int64_t seq, std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    const auto beyond = [&] { return role_ == Role::active && committed_ > seq; };
    changed_.wait_for(lock, most, [&] { return stopping_ || beyond(); });
    return !stopping_ && beyond();
}

void Engine::work() {
    try {
        std::vector<Job> interrupted;
        while (std::optional<OpenFile> file = open_patiently(interrupted))
            if (!serve(*file, interrupted)) return;
    } catch (const std::exception& error) {
        // Lets the responses be sent; the next start recovers from the journal.
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        leave_at_once("database-failed", error.what());
    }
}

/// Serves requests until stopped (false) or until the file has to be reopened (true). The volume
/// can give up on an open file after two of three replicas were away one after the other, although
/// the file itself is intact; and a replica that came back does not get the writes (ReplicaWatch).
/// The interrupted requests are then executed again; their IDs prevent them from
/// counting twice.
bool Engine::serve(OpenFile& file, std::vector<Job>& interrupted) {
    for (;;) {
        std::vector<Job> batch = std::exchange(interrupted, {});
        const bool again = !batch.empty();
        if (!again) {
            auto next = next_batch();
            if (!next) return false;
            batch = std::move(*next);
        }
        if (replicas_->is_due(Clock::now())) {
            log_info("reopening", {{"reason", "to write to all replicas of the volume"}});
            interrupted = std::move(batch);
            return true;
        }
        if (batch.empty()) continue;
        try {
            run_batch(file, batch);
        } catch (const StoreError& error) {
            if (!error.is_input_output() || again) {
                refuse(batch, error);
                if (error.is_full()) continue;
                throw;
            }
            log_error("reopening", {{"reason", error.what()}});
            interrupted = std::move(batch);
            return true;
        }
    }
}

std::optional<Engine::OpenFile> Engine::open_patiently(std::vector<Job>& interrupted) {
    // A dead node's lock stays on the volume for a while: wait instead of restarting.
    std::string told;
    for (;;) {
        std::string problem;
        if (auto file = try_open(problem)) {
            if (!replicas_)
                replicas_.emplace([this] { return reachable_replicas(directory_); }, Clock::now());
            publish(file->store->last_seq());
            log_info("ready", {{"directory", directory_}});
            return file;
        }
        if (told != problem) log_info("waiting-for-lock", {{"reason", problem}});
        told = problem;
        replicas_.reset();
        stand_by(interrupted);
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, kLockPause, [this] { return stopping_; })) return std::nullopt;
    }
}

std::optional<Engine::OpenFile> Engine::try_open(std::string& problem) {
    if (!lock_) lock_ = std::make_unique<WriterLock>(directory_);
    try {
        if (!lock_->try_lock()) {
            problem = "another database is active";
            return std::nullopt;
        }
    } catch (const std::runtime_error& error) { // the volume may come back
        problem = error.what();
        lock_.reset();
        return std::nullopt;
    }
    try {
        auto store = std::make_unique<Store>(directory_, node_);
        return OpenFile{std::move(lock_), std::move(store)};
    } catch (const StoreError& error) {
        if (!error.is_locked()) throw;
        problem = error.what();
        return std::nullopt;
    }
}

void Engine::stand_by(std::vector<Job>& interrupted) {
    std::deque<Job> jobs;
    {
        const std::lock_guard lock(mutex_);
        role_ = Role::standby;
        jobs.swap(jobs_);
    }
    for (Job& job : interrupted) jobs.push_back(std::move(job));
    interrupted.clear();
    for (Job& job : jobs)
        job.answer.set_value({{"ok", false}, {"code", "standby"}, {"message", kStandsBy}});
}

/// The requests to answer together, none if there were none for a while; nullopt if stopped.
std::optional<std::vector<Engine::Job>> Engine::next_batch() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, ReplicaWatch::kInterval,
                      [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty() && stopping_) return std::nullopt;
    // Reads do not wait for the commit of concurrent writes; the two take turns, so that neither
    // starves the other.
    writes_turn_ = !writes_turn_;
    const auto of_turn = [this](const Job& job) {
        return (job.request.value("op", "") == "put") == writes_turn_;
    };
    if (std::none_of(jobs_.begin(), jobs_.end(), of_turn)) writes_turn_ = !writes_turn_;
    std::vector<Job> batch;
    for (auto job = jobs_.begin(); job != jobs_.end() && batch.size() < kMostBatch;) {
        if (of_turn(*job)) {
            batch.push_back(std::move(*job));
            job = jobs_.erase(job);
        } else {
            ++job;
        }
    }
    return batch;
}

void Engine::run_batch(OpenFile& file, std::vector<Job>& batch) {
    Store& store = *file.store;
    std::vector<Json> answers;
    std::int64_t last = 0;
    try {
        store.begin();
        for (const Job& job : batch) {
            try {
                answers.push_back(answer(store, job.request));
            } catch (const RpcError& error) {
                answers.push_back(
                    {{"ok", false}, {"code", error.code()}, {"message", error.what()}});
            } catch (const Json::exception&) {
                answers.push_back(
                    {{"ok", false}, {"code", "invalid"}, {"message", "malformed request"}});
            }
        }
        last = store.last_seq();
        store.commit();
        // A commit fails without the locks; reads come from this process's memory.
        if (!writes_turn_ && !file.lock->is_held()) throw StoreError::lost_lock();
    } catch (const StoreError&) {
        store.rollback();
        throw;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i].answer.set_value(std::move(answers[i]));
    publish(last);
}

void Engine::refuse(std::vector<Job>& batch, const StoreError& error) {
    if (error.is_full()) log_error("volume-full", {{"reason", error.what()}});
    for (Job& job : batch)
        job.answer.set_value({{"ok", false}, {"code", "unavailable"}, {"message", error.what()}});
}

void Engine::publish(std::int64_t seq) {
    {
        const std::lock_guard lock(mutex_);
        role_ = Role::active;
        committed_ = seq;
    }
    changed_.notify_all();
}

} // namespace hadeploy::svc
