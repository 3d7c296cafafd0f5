#include "core/http.h"

#include "core/hash.h"
#include "core/secrecy.h"
#include "core/text.h"
#include "providers/local/local_type.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <stop_token>

namespace hadeploy::local {

namespace {
constexpr std::size_t kMostAnswer = 16u << 20;
constexpr int kMostRedirects = 10;

http::Request request_of(const Value& config, const std::stop_token& stop) {
    http::Request request{
        .url = config.text("url"),
        .secret_url = config["url"].secret(),
        .method = config.text("method", "GET"),
        .secret_body = config["request_body"].secret(),
        .timeout = std::chrono::milliseconds(config.integer("timeout", 10'000)),
        .most_redirects = kMostRedirects,
        .most_bytes = kMostAnswer,
        .ca_cert_pem = config.text("ca_cert_pem"),
        .insecure = config.flag("insecure"),
        .stop = stop,
    };
    if (config["request_body"].is_string()) request.body = config.text("request_body");
    const Value& headers = config["request_headers"];
    if (headers.is_map())
        for (const Entry& e : headers.as_map())
            request.headers.push_back(
                {e.key, e.value.as_string(), headers.secret() || e.value.secret()});
    return request;
}

/// @throws Error(failed), transient if a later attempt may succeed; Interrupted
http::Answer ask(const Value& config, const std::stop_token& stop) {
    using End = http::Answer::End;
    http::Answer answer = http::send(request_of(config, stop));
    if (answer.end == End::complete) return answer;
    const std::string shown = quoted(config["url"], http::authority_of(answer.url));
    if (answer.end == End::too_large)
        throw Error(ErrorKind::failed, fmt::format("the response of {} is larger than {} MiB",
                                                   shown, kMostAnswer >> 20));
    if (answer.end == End::redirected_off)
        throw Error(ErrorKind::failed,
                    fmt::format("{} redirects more than {} times", shown, kMostRedirects));
    throw Error(ErrorKind::failed, fmt::format("{} does not respond: {}", shown, answer.problem))
        .with_hint("check the URL, and that its server is running")
        .as_transient();
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
        doc = "The request is sent at every plan, so it must not change anything. Up to 10 "
              "redirects are followed; secret headers, a secret body, Authorization, Cookie and "
              "Host are not sent on to a different host, port or scheme. The proxy in the "
              "environment is used. A response with an error status is a result; the lack of a "
              "response is an error.";
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
                   .doc = "Number of retries if the server does not respond, or responds with "
                          "408, 429 or 5xx.",
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
                   .doc = "Certificates of trusted authorities, to use instead of the system's."},
                  {.name = "insecure",
                   .type = TypeKind::boolean,
                   .doc = "Whether to trust any certificate. Only for tests.",
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
                   .doc = "The body as a string; null if it is not UTF-8. At most 16 MiB.",
                   .computed = true},
                  {.name = "response_body_base64",
                   .type = TypeKind::string,
                   .doc = "The body in base64.",
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

    Observation observe(const ReadRequest& request, const ProviderContext& context) const override {
        const Value& config = request.config;
        const std::chrono::milliseconds delay(config.integer("retry_delay", 1'000));
        for (std::int64_t left = config.integer("retries");; --left) {
            try {
                http::Answer answer = ask(config, context.stop);
                if (left <= 0 || !may_pass(answer.status)) return seen(std::move(answer));
            } catch (const Error& error) {
                if (left <= 0 || !error.transient) throw;
            }
            pause(delay, context.stop);
        }
    }

  private:
    static Observation seen(http::Answer answer) {
        Value::Map headers;
        for (auto& [name, text] : answer.headers)
            headers.push_back(
                {std::move(name), is_utf8(text) ? std::move(text) : in_quotes(text, text.size())});
        const std::string coded = base64_encode(answer.body);
        return Observation::present(Value::map(
            {{"status_code", static_cast<std::int64_t>(answer.status)},
             {"response_headers", Value::map(std::move(headers))},
             {"response_body_base64", coded},
             {"response_body", is_utf8(answer.body) ? Value(std::move(answer.body)) : Value()}}));
    }
};
} // namespace

std::unique_ptr<ResourceType> http_type() {
    return std::make_unique<Http>();
}

} // namespace hadeploy::local
