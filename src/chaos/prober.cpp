#include "chaos/prober.h"

#include "chaos/http.h"
#include "core/file.h"
#include "core/hash.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

namespace hadeploy::chaos {

namespace {

using Clock = std::chrono::steady_clock;

std::string with_id(std::string body, const std::string& id) {
    constexpr std::string_view kMark = "$ID";
    for (std::size_t at = 0; (at = body.find(kMark, at)) != std::string::npos; at += id.size())
        body.replace(at, kMark.size(), id);
    return body;
}

/// Sets the outcome of a finished request.
void set_outcome(const http::Answer& answer, Sample& sample) {
    using End = http::Answer::End;
    if (answer.end == End::complete && answer.status >= 200 && answer.status < 300) return;
    if (answer.end == End::complete) {
        const bool refused = answer.status >= 400 && answer.status < 500;
        sample.outcome = refused ? Outcome::fail : Outcome::unknown;
        sample.problem = fmt::format("HTTP {}", answer.status);
        return;
    }
    sample.outcome = answer.connected ? Outcome::unknown : Outcome::fail;
    sample.problem = answer.end == End::timeout ? "timeout" : answer.problem;
}

} // namespace

class Prober::Loop {
  public:
    explicit Loop(ProberSettings settings)
        : settings_(std::move(settings)), prefix_(fmt::format("chaos-{}-", hex(random_bytes(6)))),
          step_(Us(std::chrono::seconds(1)) / std::max(settings_.rate, 1) / 2),
          connect_timeout_(std::min<std::chrono::milliseconds>(
              std::chrono::seconds(1),
              settings_.timeout / static_cast<long>(settings_.urls.size()))),
          // all requests of one timeout, if none is answered, and some more
          most_in_flight_(static_cast<std::size_t>(settings_.timeout / step_) + 64) {
        if (!settings_.log.empty()) open_log();
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    ~Loop() {
        thread_.request_stop();
        transfers_.wake();
        thread_.join();
    }

    Us now() const { return std::chrono::duration_cast<Us>(Clock::now() - begin_); }
    const std::string& prefix() const { return prefix_; }

    Live live(Us window) const {
        const std::lock_guard lock(mutex_);
        const Us at = now();
        Live out;
        out.failed = failed_;
        out.ok = result_.samples.size() - failed_;
        out.last_failure = last_failure_;
        out.broken = broken_.has_value();
        bool read = false, write = false;
        // from the newest; `done` is nearly sorted, and at most one timeout after `intended`
        for (auto s = result_.samples.rbegin(); s != result_.samples.rend(); ++s) {
            if (s->done < at - window) break;
            if (s->outcome == Outcome::ok) (s->kind == Kind::read ? read : write) = true;
        }
        const bool failed_lately = failed_ > 0 && last_failure_ >= at - window;
        const bool hanging = oldest_ && *oldest_ < at - window / 2;
        out.clean = read && write && !failed_lately && !hanging && at >= window;
        return out;
    }

    ProberResult stop() {
        finish_.store(true);
        const Us length = now();
        transfers_.wake();
        thread_.join();
        thread_ = std::jthread([] {}); // for the destructor
        if (broken_) throw Error(*broken_);
        result_.length = length;
        return std::move(result_);
    }

  private:
    struct Pending {
        Sample sample;
        std::string id;        ///< of a write
        std::size_t tried = 1; ///< URLs
    };

    void open_log() {
        log_.open(settings_.log, std::ios::app);
        if (!log_) throw system_error("cannot write the drill's log", settings_.log);
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const bool sending = !finish_.load() && !broken_;
            if (sending)
                send_due();
            else if (in_flight_.empty())
                return;
            transfers_.work();
            const Us wait = sending ? next_ - now() : Us{std::chrono::seconds(1)};
            transfers_.wait(std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Us{0})));
        }
    }

    void send_due() {
        for (; next_ <= now() && !broken_; next_ += step_, ++number_) {
            Sample sample;
            sample.kind = number_ % 2 == 0 ? Kind::read : Kind::write;
            sample.url = (number_ / 2) % settings_.urls.size();
            sample.intended = next_;
            sample.sent = now();
            send(std::move(sample));
        }
    }

    void send(Sample sample) {
        if (in_flight_.size() >= most_in_flight_) {
            sample.outcome = Outcome::fail;
            sample.problem = "not sent: too many requests are pending";
            sample.done = now();
            return keep(std::move(sample), "");
        }
        Pending pending{std::move(sample), {}};
        if (pending.sample.kind == Kind::write)
            pending.id = fmt::format("{}{}", prefix_, number_ / 2);
        transmit(number_, std::move(pending));
    }

    void transmit(std::size_t number, Pending pending) {
        const Sample& sample = pending.sample;
        const bool writes = sample.kind == Kind::write;
        const std::string& path = writes ? settings_.write_path : settings_.read_path;
        const std::string url = join_url(settings_.urls[sample.url], path);
        http::Request request = request_to(url, time_left(sample));
        if (settings_.failover) request.connect_timeout = connect_timeout_;
        request.sink = [](std::string_view, std::int64_t) { return true; }; // only counts
        if (writes) {
            request.method = "POST";
            request.headers = {{"Content-Type", "application/json"}};
            request.body = with_id(settings_.body, pending.id);
            if (!note("attempt", pending.id, url)) return;
            // its outcome is unknown until it ends
            result_.writes[pending.id] = Outcome::unknown;
        }
        const std::lock_guard lock(mutex_);
        oldest_ = std::min(oldest_.value_or(Us::max()), sample.intended);
        in_flight_.emplace(number, std::move(pending));
        transfers_.add(std::move(request),
                       [this, number](const http::Answer& answer) { finish(number, answer); });
    }

    std::chrono::milliseconds time_left(const Sample& sample) const {
        const Us left = settings_.timeout - (now() - sample.sent);
        return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                        std::chrono::milliseconds(1)); // 0 is no limit
    }

    void finish(std::size_t number, const http::Answer& answer) {
        auto node = in_flight_.extract(number);
        Pending& pending = node.mapped();
        if (settings_.failover && !answer.connected && pending.tried < settings_.urls.size()) {
            ++pending.tried;
            pending.sample.failed_over = true;
            pending.sample.url = (pending.sample.url + 1) % settings_.urls.size();
            return transmit(number, std::move(pending));
        }
        pending.sample.done = now();
        set_outcome(answer, pending.sample);
        keep(std::move(pending.sample), pending.id);
    }

    void keep(Sample sample, const std::string& id) {
        if (!id.empty()) {
            result_.writes[id] = sample.outcome;
            note(sample.outcome == Outcome::ok     ? "ok"
                 : sample.outcome == Outcome::fail ? "fail"
                                                   : "unknown",
                 id, sample.problem);
        }
        const std::lock_guard lock(mutex_);
        if (sample.outcome != Outcome::ok) {
            ++failed_;
            last_failure_ = std::max(last_failure_, sample.done);
        }
        result_.samples.push_back(std::move(sample));
        oldest_.reset();
        for (const auto& [number, pending] : in_flight_)
            oldest_ = std::min(oldest_.value_or(Us::max()), pending.sample.intended);
    }

    bool note(std::string_view what, std::string_view id, std::string_view more) {
        if (!log_.is_open()) return true;
        log_ << fmt::format("{:.3f} {} {} {}\n", static_cast<double>(now().count()) / 1e6, what, id,
                            more)
             << std::flush;
        if (log_) return true;
        const Error error = system_error("cannot write the drill's log", settings_.log);
        const std::lock_guard lock(mutex_);
        if (!broken_) broken_ = error;
        return false;
    }

    const ProberSettings settings_;
    const std::string prefix_;
    const Us step_; ///< between two requests; reads and writes alternate
    const std::chrono::milliseconds connect_timeout_; ///< with `failover`
    const std::size_t most_in_flight_;
    const Clock::time_point begin_ = Clock::now();
    http::Transfers transfers_; ///< wake() apart, of the thread

    // used by the thread until it ends; the samples and the members below also need the mutex
    std::ofstream log_;
    Us next_{0};
    std::size_t number_ = 0;
    std::unordered_map<std::size_t, Pending> in_flight_; ///< by `number_`
    std::optional<Error> broken_;
    ProberResult result_;

    mutable std::mutex mutex_;
    std::size_t failed_ = 0;
    Us last_failure_{0};
    std::optional<Us> oldest_; ///< of the pending requests
    std::atomic<bool> finish_ = false;
    std::jthread thread_;
};

Prober::Prober(ProberSettings settings) : loop_(std::make_unique<Loop>(std::move(settings))) {}
Prober::~Prober() = default;
Us Prober::now() const {
    return loop_->now();
}
const std::string& Prober::prefix() const {
    return loop_->prefix();
}
Prober::Live Prober::live(Us window) const {
    return loop_->live(window);
}
ProberResult Prober::stop() {
    return loop_->stop();
}

} // namespace hadeploy::chaos
