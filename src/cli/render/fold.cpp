#include "cli/render/fold.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <utility>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kLeast = 3;       ///< minimum number of instances to fold
constexpr std::size_t kMostForms = 8;   ///< maximum number of forms per block
constexpr std::size_t kKeyColumns = 60; ///< maximum width of a list of keys
constexpr std::size_t kMostRanges = 4;
constexpr std::size_t kMostDigits = 15; ///< longer digit strings are not numbers

/// `["key"]` or `[0]` in an address.
struct Key {
    std::size_t begin, end; ///< of the text inside the brackets
    std::optional<std::int64_t> index;
};

std::vector<Key> keys_of(std::string_view address) {
    std::vector<Key> out;
    for (std::size_t at = address.find('['); at != address.npos; at = address.find('[', at)) {
        const bool quoted = address.substr(at + 1).starts_with('"');
        const std::size_t end = quoted ? address.find("\"]", at + 2) : address.find(']', at);
        if (end == address.npos) break;
        Key key{at + 1, quoted ? end + 1 : end, {}};
        std::int64_t index = 0;
        for (const char c : address.substr(at + 1, end - at - 1))
            index = index * 10 + (c - '0'); // not used for quoted keys
        if (!quoted && end - at - 1 <= kMostDigits) key.index = index;
        out.push_back(key);
        at = key.end;
    }
    return out;
}

bool is_digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// A part of a line: a number, or the text between numbers.
struct Piece {
    std::string_view text;
    std::optional<std::int64_t> number = {};
};
using Pieces = std::vector<std::vector<Piece>>; ///< by line

std::vector<Piece> pieces_of(std::string_view line) {
    std::vector<Piece> out;
    for (std::size_t at = 0; at < line.size();) {
        const bool digits = is_digit(line[at]);
        std::size_t end = at;
        std::int64_t number = 0;
        for (; end < line.size() && is_digit(line[end]) == digits; ++end)
            if (digits && end - at < kMostDigits) number = number * 10 + (line[end] - '0');
        out.push_back({line.substr(at, end - at)});
        if (digits && end - at <= kMostDigits) out.back().number = number;
        at = end;
    }
    return out;
}

std::string number_text(std::int64_t number, std::string_view like) {
    const bool padded = like.size() > 1 && like.front() == '0';
    return fmt::format("{:0{}}", number, padded ? like.size() : 1);
}

/// Replaces the key by `{key}` where it is a separate word.
std::string with_key_marked(const std::string& line, std::string_view key) {
    const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    std::string out;
    std::size_t from = 0;
    for (std::size_t at = line.find(key); !key.empty() && at != line.npos;
         at = line.find(key, at + 1)) {
        const std::size_t end = at + key.size();
        const bool whole =
            (at == 0 || !in_word(line[at - 1])) && (end == line.size() || !in_word(line[end]));
        if (!whole || at < from) continue;
        out.append(line, from, at - from).append("{key}");
        from = end;
    }
    return out.append(line, from);
}

/// Sorted numbers as ranges: "0..3, 7".
std::string ranges_of(const std::vector<std::int64_t>& numbers, std::int64_t offset,
                      std::string_view between, std::string_view like) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
        std::string part = number_text(numbers[i] + offset, like);
        if (last > i) part += ".." + number_text(numbers[last] + offset, like);
        parts.push_back(std::move(part));
        i = last + 1;
    }
    if (parts.size() > kMostRanges) {
        parts.resize(kMostRanges - 1);
        parts.emplace_back("...");
    }
    return fmt::format("{}", fmt::join(parts, between));
}

/// Instances with the same text so far.
class FoldedForm {
  public:
    FoldedForm(const Said& said, const Key& key, std::size_t member, const Pieces& pieces)
        : first_(said), key_(key), members_{member} {
        if (key_.index) {
            indices_.push_back(*key_.index);
            pieces_ = pieces;
            for (const auto& line : pieces) moves_.emplace_back(line.size());
        } else {
            keys_.push_back(name(said, key));
            marked_.resize(said.lines.size());
        }
    }

    /// Adds an instance if its text has the same form.
    bool take(const Said& said, const Key& key, std::size_t member, const Pieces& pieces) {
        if (said.lines.size() != first_.lines.size()) return false;
        if (key.index.has_value() != key_.index.has_value()) return false;
        if (!(key.index ? counts_up(pieces, *key.index) : repeats_key(said, name(said, key))))
            return false;
        members_.push_back(member);
        return true;
    }

    [[nodiscard]] const std::vector<std::size_t>& members() const { return members_; }

    [[nodiscard]] Folded result() const {
        Folded out{first_.address, {}, members_};
        std::vector<std::int64_t> indices = indices_;
        std::sort(indices.begin(), indices.end());
        out.address.replace(key_.begin, key_.end - key_.begin,
                            key_.index ? ranges_of(indices, 0, ", ", "0") : key_list());
        for (std::size_t i = 0; i < first_.lines.size(); ++i)
            out.lines.push_back(key_.index ? counted_line(i, indices) : marked_line(i));
        std::sort(out.members.begin(), out.members.end());
        return out;
    }

  private:
    static std::string name(const Said& said, const Key& key) {
        return said.address.substr(key.begin + 1, key.end - key.begin - 2);
    }

    /// Each number is constant, or grows with the index; the same way for all instances.
    bool counts_up(const Pieces& pieces, std::int64_t index) {
        const std::int64_t step = index - indices_.front();
        const bool second = members_.size() == 1; // determines which numbers grow
        auto moves = second ? moves_ : decltype(moves_)();
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (pieces[i].size() != pieces_[i].size()) return false;
            for (std::size_t k = 0; k < pieces[i].size(); ++k) {
                const Piece &was = pieces_[i][k], &is = pieces[i][k];
                const bool same = was.text == is.text;
                const bool moved = !same && was.number && is.number &&
                                   *is.number - *was.number == step &&
                                   number_text(*is.number, was.text) == is.text;
                if (second)
                    moves[i][k] = moved;
                else if (moved != moves_[i][k])
                    return false;
                if (!same && !moved) return false;
            }
        }
        if (second) moves_ = std::move(moves);
        indices_.push_back(index);
        return true;
    }

    /// Each line is identical, or has the key in the places where the first instance has its key.
    bool repeats_key(const Said& said, const std::string& key) {
        std::vector<std::optional<bool>> marked = marked_;
        for (std::size_t i = 0; i < said.lines.size(); ++i) {
            const bool same = said.lines[i] == first_.lines[i];
            const bool alike = with_key_marked(said.lines[i], key) ==
                               with_key_marked(first_.lines[i], keys_.front());
            if (!marked[i] && (same || alike)) marked[i] = !same;
            if (!marked[i] || (*marked[i] ? !alike : !same)) return false;
        }
        marked_ = std::move(marked);
        keys_.push_back(key);
        return true;
    }

    std::string key_list() const {
        std::string out;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const std::string one = fmt::format("{}\"{}\"", i == 0 ? "" : ", ", keys_[i]);
            if (i > 1 && out.size() + one.size() > kKeyColumns)
                return out + fmt::format(", ... {} more", keys_.size() - i);
            out += one;
        }
        return out;
    }
    std::string counted_line(std::size_t i, const std::vector<std::int64_t>& indices) const {
        std::string out;
        for (std::size_t k = 0; k < pieces_[i].size(); ++k) {
            const Piece& piece = pieces_[i][k];
            out += moves_[i][k]
                       ? "{" +
                             ranges_of(indices, *piece.number - indices_.front(), ",", piece.text) +
                             "}"
                       : std::string(piece.text);
        }
        return out;
    }
    std::string marked_line(std::size_t i) const {
        return marked_[i].value_or(false) ? with_key_marked(first_.lines[i], keys_.front())
                                          : first_.lines[i];
    }

    const Said& first_;
    const Key key_; ///< of the first instance
    std::vector<std::size_t> members_;
    // for instances with an index
    std::vector<std::int64_t> indices_;
    Pieces pieces_;
    std::vector<std::vector<bool>> moves_; ///< by piece, once there are two
    // for instances with a key
    std::vector<std::string> keys_;
    std::vector<std::optional<bool>> marked_; ///< by line, once there are two
};

/// Folds over one key of the addresses: the last (0), the one before it (1), ...
void fold_over(std::size_t level, const std::vector<Said>& all, std::vector<bool>& folded,
               std::vector<Folded>& out) {
    std::map<std::string, std::vector<FoldedForm>> forms; ///< by address without that key
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::vector<Key> keys = keys_of(all[i].address);
        if (folded[i] || keys.size() <= level) continue;
        const Key& key = keys[keys.size() - 1 - level];
        std::string without = all[i].address;
        without.erase(key.begin, key.end - key.begin);
        std::vector<FoldedForm>& of_block = forms[std::move(without)];
        Pieces pieces;
        if (key.index)
            for (const std::string& line : all[i].lines) pieces.push_back(pieces_of(line));
        const bool taken = std::any_of(of_block.begin(), of_block.end(), [&](FoldedForm& form) {
            return form.take(all[i], key, i, pieces);
        });
        if (!taken && of_block.size() < kMostForms) of_block.emplace_back(all[i], key, i, pieces);
    }
    for (const auto& [address, of_block] : forms)
        for (const FoldedForm& form : of_block) {
            if (form.members().size() < kLeast) continue;
            out.push_back(form.result());
            for (const std::size_t i : form.members()) folded[i] = true;
        }
}

} // namespace

std::vector<Folded> unfolded(const std::vector<Said>& all) {
    std::vector<Folded> out;
    for (std::size_t i = 0; i < all.size(); ++i) out.push_back({all[i].address, all[i].lines, {i}});
    return out;
}

std::vector<Folded> fold(const std::vector<Said>& all) {
    std::vector<bool> folded(all.size());
    std::vector<Folded> out;
    std::size_t most_keys = 0;
    for (const Said& said : all) most_keys = std::max(most_keys, keys_of(said.address).size());
    for (std::size_t level = 0; level < most_keys; ++level) fold_over(level, all, folded, out);
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!folded[i]) out.push_back({all[i].address, all[i].lines, {i}});
    std::sort(out.begin(), out.end(), [](const Folded& a, const Folded& b) {
        return a.members.front() < b.members.front();
    });
    return out;
}

std::string block_address(std::string_view address) {
    std::string out(address);
    std::vector<Key> keys = keys_of(address);
    for (auto key = keys.rbegin(); key != keys.rend(); ++key)
        out.erase(key->begin - 1, key->end - key->begin + 2);
    return out;
}

} // namespace hadeploy::cli
