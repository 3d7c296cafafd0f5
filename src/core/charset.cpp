#include "core/charset.h"

#include "core/error.h"
#include "core/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fmt/format.h>
#include <iconv.h>

namespace hadeploy {

namespace {

constexpr const char* kUtf8 = "UTF-8";

/// iconv would use this machine's byte order and prepend a byte order mark.
bool is_of_either_order(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::erase(name, '-');
    return name == "UTF16" || name == "UTF32";
}

/// Allows only letters, digits and a few signs, because iconv parses options after a "/".
bool is_plain(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) ||
               std::string_view("-_.:()").find(static_cast<char>(c)) != std::string_view::npos;
    });
}

class Converter {
  public:
    /// @param other  the encoding that is not UTF-8
    Converter(const char* to, const char* from, const std::string& other) {
        if (is_of_either_order(other))
            throw Error(ErrorKind::failed, fmt::format("{} does not specify a byte order", other))
                .with_hint(fmt::format("use {0}LE or {0}BE", other));
        if (is_plain(other)) converter_ = ::iconv_open(to, from);
        if (converter_ == kNone)
            throw Error(ErrorKind::failed, fmt::format("unknown encoding {}", in_quotes(other)))
                .with_hint("for example UTF-16LE, ISO-8859-1 or windows-1252");
    }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    ~Converter() { ::iconv_close(converter_); }

    /// @throws Error(failed) with `refusal` when a character cannot be converted
    std::string operator()(std::string_view text, const std::string& refusal) {
        std::string out;
        char* in = const_cast<char*>(text.data()); // only read
        std::size_t left = text.size();
        while (left > 0) step(&in, &left, out, refusal);
        step(nullptr, nullptr, out, refusal); // the final shift sequence of a stateful encoding
        return out;
    }

  private:
    void step(char** in, std::size_t* left, std::string& out, const std::string& refusal) {
        std::array<char, 4096> buffer{};
        char* to = buffer.data();
        std::size_t room = buffer.size();
        const std::size_t done = ::iconv(converter_, in, left, &to, &room);
        if (done == static_cast<std::size_t>(-1) && errno != E2BIG)
            throw Error(ErrorKind::failed, refusal);
        out.append(buffer.data(), buffer.size() - room);
    }

    static inline const iconv_t kNone = reinterpret_cast<iconv_t>(-1);
    iconv_t converter_ = kNone;
};

} // namespace

std::string to_charset(std::string_view text, const std::string& encoding) {
    return Converter(encoding.c_str(), kUtf8, encoding)(
        text, fmt::format("the text has a character that {} cannot represent", encoding));
}

std::string from_charset(std::string_view bytes, const std::string& encoding) {
    return Converter(kUtf8, encoding.c_str(),
                     encoding)(bytes, fmt::format("the bytes are not valid {} text", encoding));
}

} // namespace hadeploy
