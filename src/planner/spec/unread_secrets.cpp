#include "planner/spec/unread_secrets.h"

#include "core/did_you_mean.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace hadeploy {

namespace {

/// Words that suggest a secret. `with` is one of them, because the inputs of a module that was not
/// read may be secret.
constexpr std::array<std::string_view, 7> kSigns{"secret", "sensitiv", "passw",      "private_key",
                                                 "token",  "with:",    "PRIVATE KEY"};

bool only_blanks(std::string_view line) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    return first == line.npos || line[first] == '#';
}

/// The open quotes and brackets of a block: until they are closed, the following lines can belong
/// to the block.
struct Open {
    bool quote = false;
    bool bracket = false;
};

Open open_at_the_end(std::string_view block) {
    char quote = 0;
    int depth = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        const char c = block[i];
        if (quote != 0) {
            if (c == '\\' && quote == '"') ++i;
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return {quote != 0, depth > 0};
}

class Blocks {
  public:
    Blocks(Sources& sources, std::uint16_t file, const std::vector<std::string>& names)
        : sources_(sources), file_(file), names_(names), text_(sources.files()[file].text) {}

    void hide() {
        const std::vector<std::size_t> lines = sources_.files()[file_].lines;
        std::size_t begin = 0, inner = 0; // indentation of the block; of the blocks in its section
        for (const std::size_t at : lines) {
            const std::string_view line = text_.substr(at, text_.find('\n', at) - at);
            if (only_blanks(line)) continue;
            const std::size_t indent = line.find_first_not_of(' ');
            if (indent != 0 && inner == 0) inner = indent;
            if (indent > inner || (indent != 0 && indent < inner)) continue;
            block(begin, at);
            begin = at;
            if (indent == 0) {
                inner = 0;
                open_.bracket = false;
            }
        }
        block(begin, text_.size());
    }

  private:
    void block(std::size_t begin, std::size_t end) {
        const std::string_view text = text_.substr(begin, end - begin);
        const bool continued = open_.quote || open_.bracket;
        if (!continued && !suggests_secret(text)) return;
        for (std::size_t at = begin; at < end;) {
            const std::size_t next = std::min(text_.find('\n', at), end);
            hide_line(at, next, at == begin && !continued);
            at = next + 1;
        }
        const Open left = open_at_the_end(text);
        open_ = {open_.quote || left.quote, open_.bracket || left.bracket};
    }

    void hide_line(std::size_t begin, std::size_t end, bool keep_name) {
        const std::string_view line = text_.substr(begin, end - begin);
        std::size_t from = line.find_first_not_of(' ');
        if (from == line.npos) return;
        const std::size_t colon = line.find(':');
        if (keep_name && colon != line.npos) from = line.find_first_not_of(' ', colon + 1);
        if (from != line.npos) sources_.hide(file_, begin + from, end);
    }

    [[nodiscard]] bool suggests_secret(std::string_view block) const {
        const auto has = [&](std::string_view word) { return block.find(word) != block.npos; };
        if (std::any_of(kSigns.begin(), kSigns.end(), has)) return true;
        const auto in_name = [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
        };
        for (std::size_t colon = block.find(':'); colon != block.npos;
             colon = block.find(':', colon + 1)) {
            std::size_t begin = colon;
            while (begin > 0 && in_name(block[begin - 1])) --begin;
            if (did_you_mean(block.substr(begin, colon - begin), names_)) return true;
        }
        return false;
    }

    Sources& sources_;
    std::uint16_t file_;
    const std::vector<std::string>& names_; ///< names of attributes; a key can be misspelt
    std::string_view text_;
    Open open_; ///< open quotes and brackets of a hidden block
};

} // namespace

void hide_unread(Sources& sources, std::uint16_t file, const std::vector<std::string>& names) {
    Blocks(sources, file, names).hide();
}

} // namespace hadeploy
