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

struct MultiCleanup {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListCleanup {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t ignore_body(char*, std::size_t, std::size_t size, void*) {
    return size;
}

std::string with_id(std::string body, const std::string& id) {
    constexpr std::string_view kMark = "$ID";
    for (std::size_t at = 0; (at = body.find(kMark, at)) != std::string::npos; at += id.size())
        body.replace(at, kMark.size(), id);
    return body;
}

/// Sets the outcome of a finished request.
void judge(CURL* curl, CURLcode code, Sample& sample) {
    long status = 0;
    curl_off_t connected = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected);
    if (code == CURLE_OK && status >= 200 && status < 300) return;
    if (code == CURLE_OK) {
        sample.outcome = status >= 400 && status < 500 ? Outcome::fail : Outcome::unknown;
        sample.problem = fmt::format("HTTP {}", status);
        return;
    }
    sample.outcome = connected == 0 ? Outcome::fail : Outcome::unknown;
    sample.problem = code == CURLE_OPERATION_TIMEDOUT ? "timeout" : curl_easy_strerror(code);
}

} // namespace

class Prober::Loop {
  public:
    explicit Loop(ProberSettings settings)
        : settings_(std::move(settings)), prefix_(fmt::format("chaos-{}-", hex(random_bytes(6)))),
          step_(Us(std::chrono::seconds(1)) / std::max(settings_.rate, 1) / 2),
          // all requests of one timeout, if none is answered, and some more
          most_in_flight_(static_cast<std::size_t>(settings_.timeout / step_) + 64) {
        if (!settings_.log.empty()) open_log();
        headers_.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
        make_request("", settings_.timeout); // starts libcurl
        multi_.reset(curl_multi_init());
        if (!multi_ || !headers_) throw Error(ErrorKind::failed, "libcurl has no memory");
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    ~Loop() {
        thread_.request_stop();
        curl_multi_wakeup(multi_.get());
        thread_.join();
        for (const auto& [curl, request] : in_flight_) curl_multi_remove_handle(multi_.get(), curl);
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
        curl_multi_wakeup(multi_.get());
        thread_.join();
        thread_ = std::jthread([] {}); // for the destructor
        if (broken_) throw Error(*broken_);
        result_.length = length;
        return std::move(result_);
    }

  private:
    struct Request {
        CurlHandle handle;
        Sample sample;
        std::string id; ///< of a write
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
            int running = 0;
            curl_multi_perform(multi_.get(), &running);
            collect();
            const Us wait = sending ? next_ - now() : Us{std::chrono::seconds(1)};
            const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Us{0}));
            curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(ms.count()), nullptr);
        }
    }

    void send_due() {
        for (; next_ <= now() && !broken_; next_ += step_, ++number_) {
            Sample sample;
            sample.kind = number_ % 2 == 0 ? Kind::read : Kind::write;
            sample.url = (number_ / 2) % settings_.urls.size();
            sample.intended = next_;
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
        const bool writes = sample.kind == Kind::write;
        const std::string& path = writes ? settings_.write_path : settings_.read_path;
        const std::string url = join_url(settings_.urls[sample.url], path);
        Request request{make_request(url, settings_.timeout), std::move(sample), {}};
        CURL* curl = request.handle.get();
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
        if (writes) {
            request.id = fmt::format("{}{}", prefix_, number_ / 2);
            const std::string body = with_id(settings_.body, request.id);
            curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
            curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body.c_str());
            if (!note("attempt", request.id, url)) return;
            // its outcome is unknown until it ends
            result_.writes[request.id] = Outcome::unknown;
        }
        const std::lock_guard lock(mutex_);
        in_flight_.emplace(curl, std::move(request));
        oldest_ = std::min(oldest_.value_or(Us::max()), in_flight_.at(curl).sample.intended);
        curl_multi_add_handle(multi_.get(), curl);
    }

    void collect() {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* curl = message->easy_handle;
            const CURLcode code = message->data.result; // removing the handle frees the message
            curl_multi_remove_handle(multi_.get(), curl);
            auto node = in_flight_.extract(curl);
            Request& request = node.mapped();
            request.sample.done = now();
            judge(curl, code, request.sample);
            keep(std::move(request.sample), request.id);
        }
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
        for (const auto& [curl, request] : in_flight_)
            oldest_ = std::min(oldest_.value_or(Us::max()), request.sample.intended);
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
    const std::size_t most_in_flight_;
    const Clock::time_point begin_ = Clock::now();
    std::unique_ptr<curl_slist, ListCleanup> headers_;
    std::unique_ptr<CURLM, MultiCleanup> multi_;

    // used by the thread until it ends; the samples and the members below also need the mutex
    std::ofstream log_;
    Us next_{0};
    std::size_t number_ = 0;
    std::unordered_map<CURL*, Request> in_flight_;
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
