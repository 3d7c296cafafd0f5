#include "cli/watch/listen_address.h"

#include "core/error.h"
#include "core/text.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>

namespace hadeploy::cli {

ListenAddress parse_listen_address(const std::string& text) {
    const Error wrong = Error(ErrorKind::usage, fmt::format("--listen: {} is not an address and a "
                                                            "port",
                                                            in_quotes(text)))
                            .with_hint("for example 127.0.0.1:9464 or [::1]:9464; host names are "
                                       "not resolved");
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) throw Error(wrong);
    ListenAddress out;
    out.host = text.substr(0, colon);
    out.v6 = out.host.starts_with('[') && out.host.ends_with(']');
    if (out.v6) out.host = out.host.substr(1, out.host.size() - 2);
    const char* const begin = text.data() + colon + 1;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, out.port);
    if (error != std::errc() || stop != end || begin == end) throw Error(wrong);
    in6_addr six{};
    in_addr four{};
    if (out.v6 ? ::inet_pton(AF_INET6, out.host.c_str(), &six) != 1
               : ::inet_pton(AF_INET, out.host.c_str(), &four) != 1)
        throw Error(wrong);
    constexpr std::uint32_t kLoopbackNet = 127; // 127.0.0.0/8
    out.loopback = out.v6 ? std::memcmp(&six, &in6addr_loopback, sizeof six) == 0
                          : ntohl(four.s_addr) >> 24 == kLoopbackNet;
    return out;
}

std::string url_of(const ListenAddress& address) {
    return address.v6 ? fmt::format("http://[{}]:{}", address.host, address.port)
                      : fmt::format("http://{}:{}", address.host, address.port);
}

} // namespace hadeploy::cli
