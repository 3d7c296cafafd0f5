#include "core/http.h"

#include "core/curl.h"
#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fmt/format.h>
#include <map>
#include <sys/timerfd.h>
#include <system_error>

namespace hadeploy::http {

namespace {
using std::chrono::milliseconds;

Error no_memory() {
    return Error(ErrorKind::failed, "libcurl has no memory for a request");
}

void start_curl() {
    struct Once {
        Once() {
            if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
                throw Error(ErrorKind::failed, "libcurl cannot be started");
        }
    };
    static const Once once;
}

/// The offsets at which the authority of a URL begins and ends.
std::pair<std::size_t, std::size_t> authority_in(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t begin = scheme == url.npos ? 0 : scheme + 3;
    return {begin, std::min(url.find_first_of("/?#", begin), url.size())};
}

/// "user:password@" of a URL, or "".
std::string_view user_in(std::string_view url) {
    const auto [begin, end] = authority_in(url);
    const std::string_view authority = url.substr(begin, end - begin);
    const std::size_t at = authority.rfind('@');
    return at == authority.npos ? std::string_view() : authority.substr(0, at + 1);
}

std::string origin_of(std::string_view url) {
    return lower_case(fmt::format("{}://{}", url.substr(0, url.find("://")), authority_of(url)));
}

/// Headers that are sent only to the first origin, even if they are not marked as secret. Host is
/// the name of that origin.
bool is_for_first_origin(const Header& header) {
    const std::string name = lower_case(header.name);
    return header.secret || name == "authorization" || name == "cookie" ||
           name == "proxy-authorization" || name == "host";
}
} // namespace

/// One request and its response, without redirects. It owns everything that libcurl only borrows.
class Exchange {
  public:
    /// @param trusted  whether the request goes to the first origin, which may receive secrets
    Exchange(Request request, bool trusted) : request_(std::move(request)), trusted_(trusted) {
        start_curl();
        handle_.reset(curl_easy_init());
        if (!handle_) throw no_memory();
        set(CURLOPT_URL, request_.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_USERAGENT, "hadeploy");
        if (!request_.keep_alive) { // a reused connection would hide that new ones fail
            set(CURLOPT_FRESH_CONNECT, 1L);
            set(CURLOPT_FORBID_REUSE, 1L);
        }
        if (!request_.proxy) set(CURLOPT_NOPROXY, "*");
        set_limits();
        set_message();
        set_trust();
        set(CURLOPT_WRITEFUNCTION, on_body);
        set(CURLOPT_WRITEDATA, this);
        set(CURLOPT_HEADERFUNCTION, on_header);
        set(CURLOPT_HEADERDATA, this);
    }
    // libcurl keeps the address
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    [[nodiscard]] CURL* handle() const { return handle_.get(); }
    [[nodiscard]] Answer perform() { return finish(curl_easy_perform(handle_.get())); }
    /// The response after a transfer that ended with `code`.
    [[nodiscard]] Answer finish(CURLcode code);
    /// The target of the response if it is a redirect, otherwise "".
    [[nodiscard]] std::string redirect() const {
        const char* next = nullptr;
        curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &next);
        return next == nullptr ? "" : next;
    }

  private:
    template<class Argument>
    void set(CURLoption option, Argument argument) {
        if (const CURLcode code = curl_easy_setopt(handle_.get(), option, argument);
            code != CURLE_OK)
            throw Error(ErrorKind::failed,
                        fmt::format("cannot request {}: {}", shown(), curl_easy_strerror(code)));
    }

    void set_limits();
    void set_message();
    void set_trust();
    void log(const Answer& answer) const;
    [[nodiscard]] std::string shown() const {
        return request_.secret_url ? "(secret)" : in_quotes(authority_of(request_.url));
    }
    [[nodiscard]] bool succeeded() const {
        long status = 0;
        curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
        return status >= 200 && status < 300;
    }

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* user);
    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* user);
    static int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
        return static_cast<const Exchange*>(user)->request_.stop.stop_requested() ? 1 : 0;
    }

    Request request_;
    bool trusted_;
    Answer answer_ = {};
    bool ended_early_ = false; ///< ended by this class: `answer_.end` says why
    std::size_t dropped_ = 0;  ///< bytes that were not passed to the sink
    std::unique_ptr<curl_slist, Freed<curl_slist_free_all>> headers_;
    std::unique_ptr<CURL, Freed<curl_easy_cleanup>> handle_;
};

void Exchange::set_limits() {
    if (request_.timeout.count() > 0)
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    if (request_.connect_timeout.count() > 0)
        set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
    if (request_.most_silence.count() > 0) {
        set(CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.most_silence.count()));
    }
    if (!request_.stop.stop_possible()) return;
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, this);
}

void Exchange::set_message() {
    if (request_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (request_.body) {
        if (!trusted_ && request_.secret_body) request_.body->clear();
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body->size()));
        set(CURLOPT_POSTFIELDS, request_.body->c_str());
    }
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    for (const Header& header : request_.headers) {
        if (!trusted_ && is_for_first_origin(header)) continue;
        const std::string line = header.name + (header.value.empty() ? ";" : ": " + header.value);
        curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
        if (longer == nullptr) throw no_memory();
        (void)headers_.release();
        headers_.reset(longer);
    }
    if (headers_) set(CURLOPT_HTTPHEADER, headers_.get());
}

void Exchange::set_trust() {
    if (request_.insecure) {
        set(CURLOPT_SSL_VERIFYPEER, 0L);
        set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (request_.ca_cert_pem.empty()) return;
    curl_blob blob{request_.ca_cert_pem.data(), request_.ca_cert_pem.size(), CURL_BLOB_COPY};
    set(CURLOPT_CAINFO_BLOB, &blob);
}

/// @return any number other than `size` ends the transfer
std::size_t Exchange::on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& own = *static_cast<Exchange*>(user);
    Answer& answer = own.answer_;
    if (own.request_.sink && !own.succeeded()) {
        own.dropped_ += size;
        if (own.dropped_ <= own.request_.most_bytes) return size;
    } else if (own.request_.sink) {
        curl_off_t total = 0;
        curl_easy_getinfo(own.handle(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total);
        if (own.request_.sink({data, size}, std::max<curl_off_t>(total, 0))) return size;
        answer.end = Answer::End::sink_refused;
    } else if (size <= own.request_.most_bytes - answer.body.size()) {
        answer.body.append(data, size);
        return size;
    } else {
        answer.end = Answer::End::too_large;
    }
    own.ended_early_ = true;
    return 0;
}

/// Takes one line. A status line starts a new set of headers, as after "100 Continue".
std::size_t Exchange::on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& headers = static_cast<Exchange*>(user)->answer_.headers;
    std::string_view line(data, size);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())))
        line.remove_suffix(1);
    if (line.starts_with("HTTP/")) headers.clear();
    const auto colon = line.find(':');
    if (colon == line.npos) return size;
    std::string name = lower_case(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    const auto same = std::find_if(headers.begin(), headers.end(),
                                   [&](const auto& header) { return header.first == name; });
    if (same == headers.end())
        headers.emplace_back(std::move(name), line);
    else
        same->second.append(", ").append(line);
    return size;
}

Answer Exchange::finish(CURLcode code) {
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &answer_.status);
    curl_off_t connected = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_CONNECT_TIME_T, &connected);
    long opened = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_NUM_CONNECTS, &opened);
    answer_.reused = code == CURLE_OK && opened == 0;
    answer_.connected = connected != 0 || answer_.reused;
    answer_.url = request_.url;
    if (code != CURLE_OK && !ended_early_) {
        answer_.end = code == CURLE_OPERATION_TIMEDOUT ? Answer::End::timeout : Answer::End::broken;
        answer_.problem = curl_easy_strerror(code);
    }
    log(answer_);
    return std::move(answer_);
}

void Exchange::log(const Answer& answer) const {
    if (!log::enabled(log::Level::debug)) return;
    curl_off_t microseconds = 0, bytes = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_TOTAL_TIME_T, &microseconds);
    curl_easy_getinfo(handle_.get(), CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    std::string problem = answer.problem;
    if (request_.stop.stop_requested()) problem = "stopped";
    if (answer.end == Answer::End::too_large) problem = "the response is too large";
    log::write(log::Level::debug, "http",
               {{"method", request_.method},
                // redacted before it is cut, because a part of a secret would not be found
                {"url", request_.secret_url ? "(secret)"
                                            : without_parameters(log::redacted(request_.url))},
                {"status", answer.status == 0 ? "" : fmt::to_string(answer.status)},
                {"bytes", fmt::to_string(bytes)},
                {"problem", problem},
                {"ms", fmt::to_string(microseconds / 1000)}});
}

Answer send(const Request& request) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + request.timeout;
    Request hop = request;
    bool trusted = true;
    for (int redirects = 0;; ++redirects) {
        if (request.timeout.count() > 0) // 0 would mean no limit
            hop.timeout = std::max(std::chrono::duration_cast<milliseconds>(end - Clock::now()),
                                   milliseconds(1));
        Exchange exchange(hop, trusted);
        Answer answer = exchange.perform();
        if (request.stop.stop_requested()) throw Interrupted();
        std::string next = exchange.redirect();
        if (answer.end != Answer::End::complete || next.empty() || request.most_redirects == 0)
            return answer;
        if (redirects == request.most_redirects) {
            answer.end = Answer::End::redirected_off;
            return answer;
        }
        if (answer.status != 307 && answer.status != 308 && hop.method != "HEAD") {
            hop.method = "GET";
            hop.body.reset();
        }
        trusted = trusted && origin_of(next) == origin_of(hop.url);
        if (trusted && user_in(next).empty())
            next.insert(authority_in(next).first, user_in(request.url));
        hop.url = std::move(next);
    }
}

struct Transfers::Multi {
    struct Cleanup {
        void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    };
    struct Pending {
        std::unique_ptr<Exchange> exchange;
        Done done;
    };
    std::unique_ptr<CURLM, Cleanup> handle;
    std::map<CURL*, Pending> pending;
    Fd timer; ///< of wait_until()
};

Transfers::Transfers() : multi_(std::make_unique<Multi>()) {
    start_curl();
    multi_->handle.reset(curl_multi_init());
    if (!multi_->handle) throw no_memory();
}

Transfers::~Transfers() {
    for (const auto& [curl, pending] : multi_->pending)
        curl_multi_remove_handle(multi_->handle.get(), curl);
}

void Transfers::add(Request request, Done done) {
    auto exchange = std::make_unique<Exchange>(std::move(request), true);
    CURL* curl = exchange->handle();
    multi_->pending.emplace(curl, Multi::Pending{std::move(exchange), std::move(done)});
    curl_multi_add_handle(multi_->handle.get(), curl);
}

std::size_t Transfers::pending() const {
    return multi_->pending.size();
}

void Transfers::work() {
    int count = 0;
    curl_multi_perform(multi_->handle.get(), &count);
    while (const CURLMsg* message = curl_multi_info_read(multi_->handle.get(), &count)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* curl = message->easy_handle;
        const CURLcode code = message->data.result; // removing the handle frees the message
        curl_multi_remove_handle(multi_->handle.get(), curl);
        auto node = multi_->pending.extract(curl);
        node.mapped().done(node.mapped().exchange->finish(code));
    }
}

void Transfers::wait(milliseconds longest) {
    curl_multi_poll(multi_->handle.get(), nullptr, 0, static_cast<int>(longest.count()), nullptr);
}

void Transfers::wait_until(std::chrono::steady_clock::time_point end) {
    if (!multi_->timer)
        multi_->timer = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    const auto ns = std::chrono::nanoseconds(end.time_since_epoch()).count();
    const itimerspec at{.it_interval = {},
                        .it_value = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000}};
    // the clock of steady_clock
    if (!multi_->timer ||
        timerfd_settime(multi_->timer.get(), TFD_TIMER_ABSTIME, &at, nullptr) != 0)
        throw Error(ErrorKind::failed,
                    fmt::format("cannot use a timer: {}", std::generic_category().message(errno)));
    curl_waitfd wait{.fd = multi_->timer.get(), .events = CURL_WAIT_POLLIN, .revents = 0};
    curl_multi_poll(multi_->handle.get(), &wait, 1, 60'000, nullptr);
}

void Transfers::wake() {
    curl_multi_wakeup(multi_->handle.get());
}

std::string authority_of(std::string_view url) {
    const auto [begin, end] = authority_in(url);
    return std::string(url.substr(begin, end - begin)).substr(user_in(url).size());
}

std::string host_of(std::string_view url) {
    const std::string authority = authority_of(url);
    return authority.starts_with('[') ? authority.substr(1, authority.find(']') - 1)
                                      : authority.substr(0, authority.find(':'));
}

std::string without_parameters(std::string_view url) {
    std::string out(url.substr(0, url.find_first_of("?#")));
    return out.erase(authority_in(out).first, user_in(out).size());
}

} // namespace hadeploy::http
