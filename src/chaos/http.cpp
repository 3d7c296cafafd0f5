#include "chaos/http.h"

#include "core/error.h"

namespace hadeploy::chaos {

namespace {

constexpr std::size_t kMostBytes = 64u << 20;

void start_curl() {
    struct Once {
        Once() {
            if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
                throw Error(ErrorKind::failed, "libcurl cannot be started");
        }
    };
    static const Once once;
}

std::size_t append(char* data, std::size_t /*one*/, std::size_t size, void* to) {
    auto& body = *static_cast<std::string*>(to);
    if (size > kMostBytes - body.size()) return 0; // aborts the transfer
    body.append(data, size);
    return size;
}

} // namespace

CurlHandle make_request(const std::string& url, std::chrono::milliseconds timeout) {
    start_curl();
    CurlHandle handle(curl_easy_init());
    if (!handle) throw Error(ErrorKind::failed, "libcurl has no memory for a request");
    CURL* curl = handle.get();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    return handle;
}

HttpAnswer http_get(const std::string& url, std::chrono::milliseconds timeout) {
    const CurlHandle handle = make_request(url, timeout);
    HttpAnswer answer;
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer.body);
    const CURLcode code = curl_easy_perform(handle.get());
    if (code != CURLE_OK) {
        answer.problem = curl_easy_strerror(code);
        return answer;
    }
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
}

std::string join_url(std::string base, const std::string& path) {
    while (base.ends_with('/')) base.pop_back();
    return base + path;
}

} // namespace hadeploy::chaos
