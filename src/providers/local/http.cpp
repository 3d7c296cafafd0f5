#include "providers/local/http.h"

#include "core/curl.h"
#include "core/hash.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "providers/local/local_type.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <stop_token>

namespace hadeploy::local {

namespace {
constexpr std::size_t kMostBytes = 16u << 20;
constexpr long kMostRedirects = 10;

struct Answer {
    long status = 0;
    Value::Map headers; ///< of the last response, in the order received
    std::string body;
    std::string next; ///< the redirect's target
    bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& answer = *static_cast<Answer*>(user);
    answer.too_large = size > kMostBytes - answer.body.size();
    if (answer.too_large) return 0; // ends the transfer
    answer.body.append(data, size);
    return size;
}

/// Takes one line. A status line starts a new set of headers, as after "100 Continue".
std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& headers = static_cast<Answer*>(user)->headers;
    std::string_view line(data, size);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())))
        line.remove_suffix(1);
    if (line.starts_with("HTTP/")) headers.clear();
    const auto colon = line.find(':');
    if (colon == line.npos) return size;
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    line.remove_prefix(colon + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    std::string text(line);
    if (!is_utf8(text)) text = in_quotes(text, text.size());
    const auto same =
        std::find_if(headers.begin(), headers.end(), [&](const Entry& e) { return e.key == name; });
    if (same == headers.end())
        headers.push_back({std::move(name), std::move(text)});
    else
        same->value = same->value.as_string() + ", " + text;
    return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::stop_token*>(user)->stop_requested() ? 1 : 0;
}

/// The URL and the kind of one request.
struct Target {
    std::string url, method;
    bool body = true;
    bool trusted = true; ///< same origin as the configured URL: may receive secrets
    std::chrono::milliseconds timeout{};
};

/// Scheme, host and port.
std::string origin_of(std::string_view url) {
    std::string origin = fmt::format("{}://{}", url.substr(0, url.find("://")), authority_of(url));
    for (char& c : origin) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return origin;
}

/// Headers that only the configured origin receives, even if they are not marked as secret.
bool is_credential(std::string_view header) {
    std::string name(header);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name == "authorization" || name == "cookie" || name == "proxy-authorization";
}

/// One request. It owns everything that libcurl only borrows.
class Request {
  public:
    Request(const Value& config, Target target, std::stop_token stop)
        : config_(config), target_(std::move(target)), stop_(std::move(stop)) {
        static std::once_flag once;
        std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
        handle_.reset(curl_easy_init());
        if (!handle_) throw Error(ErrorKind::failed, "libcurl has no memory for a request");
        set(CURLOPT_URL, target_.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_NOPROGRESS, 0L);
        set(CURLOPT_XFERINFOFUNCTION, on_progress);
        set(CURLOPT_XFERINFODATA, &stop_);
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(target_.timeout.count()));
        set(CURLOPT_USERAGENT, "hadeploy");
        set_message();
        set_trust();
    }

    /// @throws Error(failed), transient if a later attempt may succeed
    Answer send() {
        Answer answer;
        set(CURLOPT_WRITEFUNCTION, on_body);
        set(CURLOPT_WRITEDATA, &answer);
        set(CURLOPT_HEADERFUNCTION, on_header);
        set(CURLOPT_HEADERDATA, &answer);
        const CURLcode result = curl_easy_perform(handle_.get());
        if (stop_.stop_requested()) throw Interrupted();
        if (answer.too_large)
            throw Error(ErrorKind::failed,
                        fmt::format("{} answers with more than {} MiB", shown(), kMostBytes >> 20));
        if (result != CURLE_OK)
            throw Error(ErrorKind::failed,
                        fmt::format("{} does not answer: {}", shown(), curl_easy_strerror(result)))
                .as_transient();
        curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
        const char* next = nullptr;
        curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &next);
        if (next != nullptr) answer.next = next;
        return answer;
    }

  private:
    template<class Argument>
    void set(CURLoption option, Argument argument) {
        if (const CURLcode result = curl_easy_setopt(handle_.get(), option, argument);
            result != CURLE_OK)
            throw Error(ErrorKind::failed,
                        fmt::format("cannot request {}: {}", shown(), curl_easy_strerror(result)));
    }

    void set_message() {
        if (target_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
        if (target_.body && config_["request_body"].is_string()) {
            if (!target_.trusted && config_["request_body"].secret()) body_.clear();
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
            set(CURLOPT_POSTFIELDS, body_.c_str());
        }
        set(CURLOPT_CUSTOMREQUEST, target_.method.c_str());
        if (!config_["request_headers"].is_map()) return;
        for (const Entry& e : config_["request_headers"].as_map()) {
            if (!target_.trusted &&
                (e.value.secret() || config_["request_headers"].secret() || is_credential(e.key)))
                continue;
            const std::string& text = e.value.as_string();
            const std::string line = e.key + (text.empty() ? ";" : ": " + text);
            curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
            if (longer == nullptr) throw Error(ErrorKind::failed, "libcurl has no memory");
            (void)headers_.release();
            headers_.reset(longer);
        }
        set(CURLOPT_HTTPHEADER, headers_.get());
    }

    void set_trust() {
        if (config_.flag("insecure")) {
            set(CURLOPT_SSL_VERIFYPEER, 0L);
            set(CURLOPT_SSL_VERIFYHOST, 0L);
        }
        if (authorities_.empty()) return;
        curl_blob blob{authorities_.data(), authorities_.size(), CURL_BLOB_COPY};
        set(CURLOPT_CAINFO_BLOB, &blob);
    }

    [[nodiscard]] std::string shown() const {
        return quoted(config_["url"], authority_of(target_.url));
    }

    const Value& config_;
    Target target_;
    std::stop_token stop_;
    std::string body_ = config_.text("request_body");
    std::string authorities_ = config_.text("ca_cert_pem");
    std::unique_ptr<curl_slist, Freed<curl_slist_free_all>> headers_;
    std::unique_ptr<CURL, Freed<curl_easy_cleanup>> handle_;
};

/// Follows redirects as browsers do: 307 and 308 repeat the request, others change it to GET.
Answer ask(const Value& config, const std::stop_token& stop) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(config.integer("timeout", 10'000));
    Target target{.url = config.text("url"), .method = config.text("method", "GET")};
    for (long redirects = 0;; ++redirects) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        target.timeout = std::max(left, std::chrono::milliseconds(1)); // 0 would mean no limit
        Answer answer = Request(config, target, stop).send();
        if (answer.next.empty()) return answer;
        if (redirects == kMostRedirects)
            throw Error(ErrorKind::failed,
                        fmt::format("{} redirects more than {} times",
                                    quoted(config["url"], authority_of(target.url)),
                                    kMostRedirects));
        if (answer.status != 307 && answer.status != 308 && target.method != "HEAD") {
            target.method = "GET";
            target.body = false;
        }
        target.trusted = target.trusted && origin_of(answer.next) == origin_of(target.url);
        target.url = std::move(answer.next);
    }
}

/// @throws Interrupted
void pause(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
    if (stop.stop_requested()) throw Interrupted();
}

bool may_pass(long status) {
    return status == 408 || status == 429 || status >= 500;
}

class Http final : public DataType {
  public:
    Http() {
        name = "http";
        summary = "The response of an HTTP server.";
        doc =
            "The request is sent at every plan, so it must not change anything. Up to 10 redirects "
            "are followed; secret headers, a secret body, Authorization and Cookie are not sent on "
            "to another host, port or scheme. The proxy in the environment is used. A response "
            "with an error status is a result; the lack of a response is an error.";
        example = "health:\n"
                  "  type: http\n"
                  "  url: http://10.77.0.11:8080/health\n"
                  "  request_headers: {Accept: application/json}\n"
                  "  retries: 5\n";
        schema = {{.name = "url",
                   .type = TypeKind::string,
                   .doc = "URL to request, with `http://` or `https://`.",
                   .required = true},
                  {.name = "method",
                   .type = TypeKind::string,
                   .doc = "The request method.",
                   .default_value = Value("GET"),
                   .one_of = {"GET", "HEAD", "POST", "PUT"}},
                  {.name = "request_headers",
                   .type = map_of(TypeKind::string),
                   .doc = "Request headers, by name."},
                  {.name = "request_body", .type = TypeKind::string, .doc = "The request body."},
                  {.name = "timeout",
                   .type = TypeKind::duration,
                   .doc = "Time limit of one attempt.",
                   .default_value = Value(10'000),
                   .min = 1},
                  {.name = "retries",
                   .type = TypeKind::integer,
                   .doc = "Number of further attempts if the server does not respond, or responds "
                          "with 408, 429 or 5xx.",
                   .default_value = Value(0),
                   .min = 0,
                   .max = 100},
                  {.name = "retry_delay",
                   .type = TypeKind::duration,
                   .doc = "Time between two attempts.",
                   .default_value = Value(1'000),
                   .min = 0},
                  {.name = "ca_cert_pem",
                   .type = TypeKind::string,
                   .doc = "Certificates of trusted authorities, instead of the system's."},
                  {.name = "insecure",
                   .type = TypeKind::boolean,
                   .doc = "Whether to trust any certificate. For tests.",
                   .default_value = Value(false)},
                  {.name = "status_code",
                   .type = TypeKind::integer,
                   .doc = "The status code, for example 200.",
                   .computed = true,
                   .open = true},
                  {.name = "response_headers",
                   .type = map_of(TypeKind::string),
                   .doc = "Response headers, by lower-case name; repeated headers are joined with "
                          "\", \".",
                   .computed = true},
                  {.name = "response_body",
                   .type = TypeKind::string,
                   .doc = "The text of the body; null if it is not UTF-8. At most 16 MiB.",
                   .computed = true},
                  {.name = "response_body_base64",
                   .type = TypeKind::string,
                   .doc = "The bytes of the body.",
                   .computed = true}};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& url = config["url"];
        if (url.is_string() && !url.as_string().starts_with("http://") &&
            !url.as_string().starts_with("https://"))
            diagnostics.add("url has to begin with http:// or https://", url.loc());
        const Value& headers = config["request_headers"];
        if (!headers.is_map()) return;
        for (const Entry& e : headers.as_map()) {
            const bool name = !e.key.empty() && std::all_of(e.key.begin(), e.key.end(), [](char c) {
                return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
            });
            if (!name)
                diagnostics.add(fmt::format("{} is not a header name", quoted(headers, e.key)),
                                e.loc);
            if (e.value.is_string() &&
                e.value.as_string().find_first_of("\r\n") != std::string::npos)
                diagnostics.add(fmt::format("request_headers: {} contains a line break",
                                            quoted(headers, e.key)),
                                e.loc);
        }
    }

    Observation observe(const ReadRequest& request, const ProviderContext& setting) const override {
        const Value& config = request.config;
        const std::chrono::milliseconds delay(config.integer("retry_delay", 1'000));
        for (std::int64_t left = config.integer("retries");; --left) {
            try {
                Answer answer = ask(config, setting.stop);
                if (left <= 0 || !may_pass(answer.status)) return seen(std::move(answer));
            } catch (const Error& error) {
                if (left <= 0 || !error.transient) throw;
            }
            pause(delay, setting.stop);
        }
    }

  private:
    static Observation seen(Answer answer) {
        const std::string coded = base64_encode(answer.body);
        return Observation::present(Value::map(
            {{"status_code", static_cast<std::int64_t>(answer.status)},
             {"response_headers", Value::map(std::move(answer.headers))},
             {"response_body_base64", coded},
             {"response_body", is_utf8(answer.body) ? Value(std::move(answer.body)) : Value()}}));
    }
};
} // namespace

std::string authority_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (const auto user = url.rfind('@'); user != url.npos) url.remove_prefix(user + 1);
    return std::string(url);
}

std::unique_ptr<ResourceType> http_type() {
    return std::make_unique<Http>();
}

} // namespace hadeploy::local
