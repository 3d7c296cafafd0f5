#include "providers/aws-ec2/signature.h"

#include "core/error.h"
#include "core/hash.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace hadeploy::aws {

namespace {

std::string hmac_sha256(std::string_view key, std::string_view text) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), out,
             &size) == nullptr)
        throw Error(ErrorKind::failed, "this OpenSSL cannot compute HMAC-SHA256");
    return {reinterpret_cast<const char*>(out), size};
}

/// "20150830T123600Z"
std::string stamp(std::int64_t now) {
    const std::time_t seconds = now;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/// The path is encoded a second time, except for its slashes.
std::string canonical_path(std::string_view path) {
    std::string out;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        out += percent_encoded(path.substr(at, slash - at));
        if (slash < path.size()) out += '/';
        at = slash + 1;
    }
    return out.empty() ? "/" : out;
}

/// Removes spaces at both ends, and replaces several spaces by one.
std::string canonical_value(std::string_view value) {
    std::string out;
    for (const char c : value)
        if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

std::string signed_names(const Signable& request) {
    std::vector<std::string> names;
    for (const auto& [name, value] : request.headers) names.push_back(name);
    std::sort(names.begin(), names.end());
    return fmt::format("{}", fmt::join(names, ";"));
}

} // namespace

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string canonical_request(const Signable& request) {
    std::vector<std::pair<std::string, std::string>> query;
    for (const auto& [name, value] : request.query)
        query.emplace_back(percent_encoded(name), percent_encoded(value));
    std::sort(query.begin(), query.end());
    auto headers = request.headers;
    std::sort(headers.begin(), headers.end());
    std::string out = request.method + "\n" + canonical_path(request.path) + "\n";
    for (std::size_t i = 0; i < query.size(); ++i)
        out += fmt::format("{}{}={}", i == 0 ? "" : "&", query[i].first, query[i].second);
    out += "\n";
    for (const auto& [name, value] : headers)
        out += fmt::format("{}:{}\n", name, canonical_value(value));
    return out + "\n" + signed_names(request) + "\n" + sha256_hex(request.body);
}

std::vector<http::Header> signature(Signable request, const Credentials& credentials,
                                    std::string_view region, std::string_view service,
                                    std::int64_t now) {
    const std::string time = stamp(now);
    std::vector<http::Header> out{{.name = "X-Amz-Date", .value = time}};
    request.headers.emplace_back("x-amz-date", time);
    if (!credentials.session_token.empty()) {
        request.headers.emplace_back("x-amz-security-token", credentials.session_token);
        out.push_back(
            {.name = "X-Amz-Security-Token", .value = credentials.session_token, .secret = true});
    }
    const std::string day = time.substr(0, 8);
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, region, service);
    std::string key = "AWS4" + credentials.secret_key;
    for (const std::string_view part :
         {std::string_view(day), region, service, std::string_view("aws4_request")})
        key = hmac_sha256(key, part);
    const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope,
                                         sha256_hex(canonical_request(request)));
    out.push_back(
        {.name = "Authorization",
         .value = fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                              credentials.access_key, scope, signed_names(request),
                              hex(hmac_sha256(key, text))),
         .secret = true});
    return out;
}

} // namespace hadeploy::aws
