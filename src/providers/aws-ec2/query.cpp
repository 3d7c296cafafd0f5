#include "providers/aws-ec2/query.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/text.h"
#include "core/value_json.h"
#include "providers/aws-ec2/counters.h"

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <fmt/format.h>
#include <random>
#include <set>
#include <utility>

namespace hadeploy::aws {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLongestPause{20'000};
constexpr std::size_t kMostPages = 10'000;
constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

/// The pauses that AWS recommends: up to 1, 2, 4, ... seconds, chosen at random.
milliseconds backoff(int attempt) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    const milliseconds most = std::min(kLongestPause, milliseconds(1000 << std::min(attempt, 5)));
    std::uniform_int_distribution<std::int64_t> any(50, most.count());
    return milliseconds(any(random));
}

std::string header_of(const http::Answer& answer, std::string_view name) {
    for (const auto& [key, value] : answer.headers)
        if (key == name) return value;
    return {};
}

/// Parses the time in a server's Date header: "Tue, 15 Nov 1994 08:12:31 GMT".
std::int64_t seconds_of(const std::string& date) {
    std::tm utc{};
    const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S", &utc);
    return end == nullptr ? 0 : ::timegm(&utc);
}

std::string without_default_port(std::string_view url) {
    std::string host = http::authority_of(url);
    const std::string_view port = url.starts_with("https:") ? ":443" : ":80";
    if (host.ends_with(port)) host.resize(host.size() - port.size());
    return host;
}

bool is_read(std::string_view action) {
    return action.starts_with("Describe") || action.starts_with("Get") ||
           action.starts_with("Assume") || action.starts_with("List");
}

std::string path_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t slash = url.find('/', scheme == url.npos ? 0 : scheme + 3);
    return slash == url.npos ? "/" : std::string(url.substr(slash));
}

} // namespace

Params& Params::add(std::string name, std::string value) {
    all_.emplace_back(std::move(name), std::move(value));
    return *this;
}

Params& Params::list(std::string_view name, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
        add(fmt::format("{}.{}", name, i + 1), values[i]);
    return *this;
}

Params& Params::pairs(std::string_view name, const std::map<std::string, std::string>& values) {
    int n = 0;
    for (const auto& [key, value] : values) {
        const std::string one = fmt::format("{}.{}", name, ++n);
        add(one + ".Key", key).add(one + ".Value", value);
    }
    return *this;
}

Params& Params::filter(std::string_view name, const std::vector<std::string>& values) {
    const std::string prefix = fmt::format("Filter.{}", ++filters_);
    add(prefix + ".Name", std::string(name));
    return list(prefix + ".Value", values);
}

bool ServiceError::is(std::initializer_list<std::string_view> codes) const {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool ServiceError::is_throttling() const {
    return is({"RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled",
               "RequestThrottledException", "EC2ThrottledException", "TooManyRequestsException",
               "SlowDown"});
}

namespace {
/// Parses an error in JSON, in the formats of several services.
void read_refusal(std::string_view json, ServiceError& out) {
    try {
        const Value answer = from_foreign_json(json);
        for (const char* name : {"ErrorCode", "__type", "code"})
            if (out.code.empty()) out.code = answer.text(name);
        for (const char* name : {"Message", "message"})
            if (out.message.empty()) out.message = answer.text(name);
        out.code.erase(0, out.code.rfind('#') + 1); // drops the namespace
    } catch (const Error&) {
        return; // not a response from AWS
    }
}
} // namespace

ServiceError parse_refusal(std::string_view body, long status, std::string_view type) {
    ServiceError out;
    out.status = status;
    if (body.starts_with('{')) {
        read_refusal(body, out);
        if (out.code.empty()) out.code = type.substr(0, type.find(':'));
    }
    pugi::xml_document document;
    if (out.code.empty() && document.load_buffer(body.data(), body.size())) {
        const pugi::xml_node root = document.document_element();
        const pugi::xml_node error =
            root.child("Errors") ? root.child("Errors").child("Error") : root.child("Error");
        out.code = error.child_value("Code");
        out.message = error.child_value("Message");
        out.request_id =
            root.child(root.child("RequestID") ? "RequestID" : "RequestId").child_value();
    }
    if (out.code.empty()) out.message = fmt::format("the service responded with HTTP {}", status);
    return out;
}

milliseconds RateLimit::take(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const double since = std::chrono::duration<double>(now - filled_).count();
    left_ = filled_ == Clock::time_point{} ? burst_ : std::min(burst_, left_ + since * rate_);
    filled_ = now;
    left_ -= 1;
    return left_ >= 0 ? milliseconds(0)
                      : milliseconds(static_cast<std::int64_t>(-left_ / rate_ * 1000));
}

pugi::xml_node result_of(const pugi::xml_document& document) {
    constexpr std::string_view ending = "Response";
    const pugi::xml_node root = root_of(document);
    std::string name = root.name();
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
    const pugi::xml_node result = root.child((name + "Result").c_str());
    return result ? result : root;
}

void pause_for(milliseconds time, const std::stop_token& stop) {
    if (time.count() <= 0) return;
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    if (stop.stop_requested()) throw Interrupted();
}

ServiceError wrong_answer(std::string action, std::string what) {
    ServiceError out;
    out.action = std::move(action);
    out.message = std::move(what);
    out.status = 200;
    out.may_have_worked = true;
    out.attempts = 1;
    return out;
}

namespace {

thread_local RetryNotice::Notice retry_notice;

void tell_of_retry(const ServiceError& error) {
    if (!retry_notice) return;
    if (error.is_throttling())
        retry_notice(fmt::format("AWS is throttling requests ({}), retrying", error.code));
    else
        retry_notice(fmt::format("AWS is not responding ({}), retrying", error.message));
}

/// Parses a response body. Returns "", or the reason why it is not a response to the action.
std::string other_than(std::string_view action, const std::string& body,
                       pugi::xml_document& document) {
    if (body.find_first_not_of(" \t\r\n") == body.npos) return "the response is empty";
    if (!document.load_buffer(body.data(), body.size()))
        return "the response is not valid XML, or is truncated";
    const std::string wanted = fmt::format("{}Response", action);
    const std::string root = root_of(document).name();
    return root == wanted ? "" : fmt::format("the response is <{}>, not <{}>", root, wanted);
}

} // namespace

RetryNotice::RetryNotice(Notice notice)
    : notice_(std::move(notice)), before_(std::exchange(retry_notice, notice_)) {}

RetryNotice::~RetryNotice() {
    retry_notice = before_;
}

Client::Client(Service service, std::string url, std::string region, Sign credentials,
               std::stop_token stop)
    : service_(service), url_(std::move(url)), region_(std::move(region)),
      credentials_(std::move(credentials)), stop_(std::move(stop)) {}

std::string Client::name_of(std::string_view action) const {
    return fmt::format("{}:{}", service_.name, action);
}

/// The request to send: the URL is that of the service, whose own path precedes the request's path.
http::Request Client::request(const Signable& message, bool renew) {
    std::string base = path_of(url_);
    if (message.path != "/" && base.ends_with('/')) base.pop_back();
    Signable all = message;
    all.path = message.path == "/" ? base : base + message.path;
    std::string url = url_.substr(0, url_.find('/', url_.find("://") + 3)) + all.path;
    for (std::size_t i = 0; i < all.query.size(); ++i)
        url += fmt::format("{}{}={}", i == 0 ? "?" : "&", percent_encoded(all.query[i].first),
                           percent_encoded(all.query[i].second));
    http::Request out{.url = std::move(url),
                      .method = message.method,
                      .secret_body = true,
                      .timeout = milliseconds(90'000),
                      .connect_timeout = milliseconds(10'000)};
    if (message.method == "POST" || message.method == "PUT") out.body = message.body;
    all.headers.emplace_back("host", without_default_port(url_));
    for (const auto& [name, value] : all.headers)
        out.headers.push_back({.name = name, .value = value});
    if (!signed_) return out;
    for (http::Header& header :
         signature(all, credentials_(renew), region_, service_.name, now_ms() / 1000 + skew_))
        out.headers.push_back(std::move(header));
    return out;
}

/// The error for a response whose status is not 2xx.
ServiceError Client::refusal(const http::Answer& answer) {
    ServiceError error =
        parse_refusal(answer.body, answer.status, header_of(answer, "x-amzn-errortype"));
    error.may_have_worked = error.code.empty() || answer.status >= 500;
    if (!error.code.empty())
        answered_ = true;
    else if (answer.status < 500) // a proxy, or a different service
        error.attempts = ServiceError::kFewAttempts;
    if (const std::int64_t theirs = seconds_of(header_of(answer, "date")); theirs != 0)
        if (error.is({"RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
                      "InvalidSignatureException"}))
            skew_ = theirs - now_ms() / 1000;
    return error;
}

void Client::once(std::string_view action, const Signable& message, bool renew,
                  const Parse& parse) {
    http::Request sent = request(message, renew);
    if (is_read(action)) sent.stop = stop_; // a change is not interrupted
    const http::Answer answer = http::send(sent);
    ServiceError error;
    if (answer.end != http::Answer::End::complete) {
        error.message =
            fmt::format("{}: {}", http::authority_of(url_),
                        answer.end == http::Answer::End::too_large ? "the response is too large"
                                                                   : answer.problem);
        error.may_have_worked = answer.connected;
        if (!answered_) error.attempts = ServiceError::kFewAttempts;
    } else if (answer.status >= 200 && answer.status < 300) {
        std::string other = parse(answer.body);
        if (other.empty()) {
            answered_ = true;
            return;
        }
        error = wrong_answer({}, std::move(other));
        error.attempts = ServiceError::kFewAttempts;
    } else {
        error = refusal(answer);
    }
    error.action = name_of(action);
    throw error;
}

std::shared_ptr<pugi::xml_document> Client::call(std::string_view action, const Params& params,
                                                 bool repeatable) {
    std::string body = fmt::format("Action={}&Version={}", action, service_.version);
    for (const auto& [name, value] : params.all())
        body += fmt::format("&{}={}", percent_encoded(name), percent_encoded(value));
    auto document = std::make_shared<pugi::xml_document>();
    send(action, {.headers = {{"content-type", std::string(kFormType)}}, .body = std::move(body)},
         repeatable,
         [&](const std::string& answer) { return other_than(action, answer, *document); });
    return document;
}

Value Client::rest(std::string_view action, const RestRequest& request, bool repeatable) {
    Signable message{.method = request.method, .path = request.path, .query = request.query};
    if (!request.body.is_null()) {
        message.headers = {{"content-type", "application/json"}};
        message.body = to_open_json(request.body);
    }
    Value out;
    send(action, message, repeatable, [&](const std::string& answer) -> std::string {
        if (answer.empty()) return {};
        try {
            out = from_foreign_json(answer);
        } catch (const Error&) {
            return "the response is not valid JSON, or is truncated";
        }
        return out.is_map() ? "" : "the response is not a JSON object";
    });
    return out;
}

void Client::send(std::string_view action, const Signable& message, bool repeatable,
                  const Parse& parse) {
    const bool reads = is_read(action);
    ++(reads ? counters().reads : counters().changes);
    bool renew = false, renewed = false;
    for (int attempt = 0;; ++attempt) {
        pause_for((reads ? reads_ : changes_).take(RateLimit::Clock::now()), stop_);
        try {
            return once(action, message, renew, parse);
        } catch (const ServiceError& error) {
            renew = false;
            // AWS's clock or new credentials justify one more attempt
            const bool expired = error.is({"ExpiredToken", "ExpiredTokenException",
                                           "RequestExpired", "RequestTimeTooSkewed"}) ||
                                 (error.is({"SignatureDoesNotMatch"}) && std::abs(skew_) > 60);
            if (expired && !renewed) {
                renew = renewed = true;
                continue;
            }
            const bool again =
                error.is_throttling() ||
                (error.code.empty() && error.status == 0 && !error.may_have_worked) ||
                (repeatable && error.may_have_worked);
            if (!again || attempt + 1 >= error.attempts) throw;
            tell_of_retry(error);
        }
        pause_for(backoff(attempt), stop_);
    }
}

void Client::each(std::string_view action, const Params& params, const char* set,
                  const std::function<void(const pugi::xml_node&)>& take) {
    std::set<std::string> seen;
    std::string next;
    do {
        Params page = params;
        if (!next.empty()) page.add(service_.marker, next);
        const auto answer = call(action, page, true);
        const pugi::xml_node result = result_of(*answer), items = result.child(set);
        if (!items)
            throw wrong_answer(name_of(action), fmt::format("the response has no <{}>", set));
        for (const pugi::xml_node& item : items.children())
            if (*service_.element == '\0' || item.name() == std::string_view(service_.element))
                take(item);
        next = result.child_value(service_.next_marker);
        if (!next.empty() && !seen.insert(next).second)
            throw wrong_answer(name_of(action), "the response refers to a page that was already "
                                                "read");
        if (seen.size() > kMostPages)
            throw wrong_answer(name_of(action),
                               fmt::format("the response has more than {} pages", kMostPages));
    } while (!next.empty());
}

} // namespace hadeploy::aws
