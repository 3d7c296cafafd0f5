#pragma once

#include "core/hash.h"
#include "core/text.h"

#include <fmt/format.h>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// A random secret, used to check that no text shows it or a piece of it.
struct Planted {
    std::string text;
    std::size_t piece = 1; ///< number of characters that do not occur in texts by chance
};

/// Creates a secret from one of several alphabets. `piece` is 1 for those whose characters occur in
/// no message.
inline Planted plant(std::mt19937& draw, std::size_t length, unsigned alphabet) {
    const auto below = [&](unsigned n) { return static_cast<unsigned>(draw() % n); };
    const auto utf8 = [](std::uint32_t c) {
        std::string out;
        if (c < 0x800)
            out = {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
        else if (c < 0x10000)
            out = {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                   static_cast<char>(0x80 | (c & 0x3F))};
        else
            out = {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
                   static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
        return out;
    };
    constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    constexpr std::string_view signs = "'\"\\`$&<>{}[]#:,%|";
    Planted out;
    out.piece = alphabet == 1 ? 6 : alphabet == 2 || alphabet == 3 ? 8 : 1;
    for (std::size_t i = 0; i < length; ++i) switch (alphabet) {
        case 0: out.text += "^@"[below(2)]; break;
        case 1: out.text += letters[below(letters.size())]; break;
        case 2: out.text += signs[below(signs.size())]; break;
        case 3: out.text += static_cast<char>(1 + below(31)); break;
        case 4: out.text += utf8(0x410 + below(64)); break;   // Cyrillic, which in_quotes() escapes
        case 5: out.text += utf8(0x4E00 + below(500)); break; // not escaped
        case 6: out.text += utf8(0x1F600 + below(64)); break;
        case 7: out.text += static_cast<char>(0x80 + below(64)); break; // not UTF-8
        default: out.text += below(6) == 0 ? "\n" : utf8(0x391 + below(17)); break;
        }
    return out;
}
inline constexpr unsigned kAlphabets = 9;

/// Decodes the escapes of in_quotes() and of JSON.
inline std::string without_escapes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char c = text[++i];
        const auto number = [&](std::size_t from, std::size_t size) {
            try {
                return static_cast<std::uint32_t>(
                    std::stoul(std::string(text.substr(from, size)), nullptr, 16));
            } catch (const std::exception&) {
                return std::uint32_t{'?'};
            }
        };
        if (c == 'n' || c == 'r' || c == 't') {
            out += c == 'n' ? '\n' : c == 'r' ? '\r' : '\t';
        } else if (c == 'x') {
            out += static_cast<char>(number(i + 1, 2));
            i += 2;
        } else if (c == 'u') {
            const bool braces = text.substr(i + 1).starts_with('{');
            const std::size_t from = i + (braces ? 2 : 1);
            const std::size_t size = braces ? text.find('}', from) - from : 4;
            const std::uint32_t code = number(from, size);
            if (code < 0x80) {
                out += static_cast<char>(code);
            } else if (code < 0x800) {
                out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
            } else if (code < 0x10000) {
                out += {static_cast<char>(0xE0 | code >> 12),
                        static_cast<char>(0x80 | (code >> 6 & 63)),
                        static_cast<char>(0x80 | (code & 63))};
            } else {
                out += {static_cast<char>(0xF0 | code >> 18),
                        static_cast<char>(0x80 | (code >> 12 & 63)),
                        static_cast<char>(0x80 | (code >> 6 & 63)),
                        static_cast<char>(0x80 | (code & 63))};
            }
            i = from + size - (braces ? 0 : 1);
        } else {
            out += c;
        }
    }
    return out;
}

/// A piece of the secret that the text contains, unchanged or escaped; "" if there is none.
inline std::string shown_of(const Planted& secret, const std::string& text) {
    std::vector<std::size_t> at{0};
    while (at.back() < secret.text.size())
        at.push_back(at.back() +
                     first_code_point(std::string_view(secret.text).substr(at.back())).size);
    for (const std::string& form : {text, without_escapes(text)})
        for (std::size_t i = 0; i + secret.piece < at.size(); ++i) {
            const std::string piece = secret.text.substr(at[i], at[i + secret.piece] - at[i]);
            if (piece == "\n") continue; // occurs in any text
            if (form.find(piece) != form.npos) return piece;
        }
    return "";
}

/// A random length from one to some hundred characters, short ones more often.
inline std::size_t drawn_length(std::mt19937& draw) {
    return draw() % 3 == 0 ? 1 + draw() % 8 : draw() % 2 == 0 ? 1 + draw() % 90 : 1 + draw() % 400;
}

} // namespace hadeploy
