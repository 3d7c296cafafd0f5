#include "providers/ssh/public_key.h"

#include "core/text.h"
#include "providers/ssh/host_keys.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace hadeploy::ssh {

namespace {
constexpr std::string_view kPrint = "SHA256:";

/// Splits a text into words. Quoted parts may contain spaces, as in the options of authorized_keys.
std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
        const bool end = i == text.size() || (!quoted && (text[i] == ' ' || text[i] == '\t'));
        if (!end) continue;
        if (i > begin) words.push_back(text.substr(begin, i - begin));
        begin = i + 1;
    }
    return words;
}

/// Whether it is a key of any type, including future ones.
bool is_key(std::string_view type, std::string_view base64) {
    return is_whole({std::string(type), std::string(base64)}) ||
           (type.find("-cert-v01@") != std::string_view::npos && base64.starts_with("AAAA"));
}

bool is_print(std::string_view text) {
    constexpr std::size_t digits = 43; // 32 bytes, without the padding
    const std::string_view base64 = text.substr(std::min(kPrint.size(), text.size()));
    return text.starts_with(kPrint) && base64.size() == digits &&
           std::all_of(base64.begin(), base64.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '+' || c == '/';
           });
}

/// "256 SHA256:... comment (ED25519)"
bool is_listing(const std::vector<std::string_view>& words) {
    return words.size() > 1 && words[1].starts_with(kPrint) &&
           words[0].find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_key_type(std::string_view word) {
    return word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") || word.starts_with("sk-");
}

bool is_path(const std::vector<std::string_view>& words, std::string_view text) {
    return text.ends_with(".pub") ||
           (words.size() == 1 && (text.starts_with('/') || text.starts_with('~') ||
                                  text.starts_with("./") || text.starts_with("../")));
}
} // namespace

std::optional<Error> wrong_public_key(std::string_view text, bool fingerprint, Loc loc) {
    const auto wrong = [&](std::string message, std::string hint) {
        return Error(ErrorKind::spec, std::move(message), loc).with_hint(std::move(hint));
    };
    const std::string one_line = fingerprint ? "one line, \"ssh-ed25519 AAAA... comment\", or a "
                                               "fingerprint, \"SHA256:...\""
                                             : "one line, \"ssh-ed25519 AAAA... comment\"";
    if (text.find("PRIVATE KEY") != std::string_view::npos) // do not quote it in the message
        return wrong(
            "this is a private key, not a public one",
            "use the public key, `${file(\"id_ed25519.pub\")}`: `ssh-keygen -y -f KEY` prints it");
    const std::vector<std::string_view> words = words_of(text);
    if (is_listing(words))
        return wrong("this is a line from `ssh-add -l`, which prints only fingerprints",
                     fingerprint ? fmt::format("write only the fingerprint: \"{}\"", words[1])
                                 : "`ssh-add -L` prints the keys themselves");
    if (text.starts_with(kPrint)) {
        if (fingerprint && is_print(text)) return std::nullopt;
        if (fingerprint)
            return wrong(fmt::format("{} is not a complete fingerprint", in_quotes(text)),
                         "a fingerprint has 43 characters after \"SHA256:\"; to print it, run "
                         "`ssh-add -l` or `ssh-keygen -lf KEY`");
        return wrong(
            "this is the fingerprint of a key, not the key",
            "`ssh-add -L` prints the keys of the SSH agent; or use `${file(\"id_ed25519.pub\")}`");
    }
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        if (is_key(words[i], words[i + 1])) return std::nullopt;
    if (is_path(words, text)) {
        const bool home = text.starts_with('~');
        return wrong(fmt::format("{} is a path, not a public key", in_quotes(text)),
                     fmt::format("use the contents of the file: `${{file({}\"{}\"{})}}`",
                                 home ? "pathexpand(" : "", text, home ? ")" : ""));
    }
    if (std::any_of(words.begin(), words.end(), is_key_type))
        return wrong(fmt::format("the public key {} is truncated or has a typing error",
                                 in_quotes(text, 40)),
                     one_line);
    return wrong(fmt::format("{} is not a public key", in_quotes(text, 40)), one_line);
}

} // namespace hadeploy::ssh
