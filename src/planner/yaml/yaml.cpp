#include "planner/yaml/yaml.h"
#include "planner/yaml/scalar_place.h"
#include "planner/yaml/simple_yaml.h"
#include "planner/yaml/split_yaml.h"
#include "planner/yaml/yaml_advice.h"

#include "core/trace.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <sstream>
#include <thread>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace hadeploy {

namespace {

/// Thrown to end the reading after an error that makes the rest of the text meaningless.
struct GiveUp : std::exception {};

/// Sorts the entries by key, and reports duplicate keys in the order of the text.
void report_doubles(Value::Map& entries, Diagnostics& diagnostics) {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.key < b.key; });
    std::map<Loc, Loc> doubles; // locations of the first entries, by location of the duplicate
    std::size_t first = 0;
    for (std::size_t i = 1; i < entries.size(); ++i) {
        if (entries[i].key == entries[first].key)
            doubles[entries[i].loc] = entries[first].loc;
        else
            first = i;
    }
    for (const auto& [loc, at] : doubles)
        diagnostics.add("duplicate key", loc).with_note("first here", at);
}

/// The messages do not quote the text, because it may contain secrets. The source line is shown
/// instead, after its secrets have been hidden.
class Builder : public YAML::EventHandler {
  public:
    /// @param piece  the text that the parser reads
    /// @param depth  number of enclosing levels
    Builder(std::uint16_t file, const YamlPiece& piece, std::size_t depth, Diagnostics& diagnostics)
        : file_(file), text_(piece.text), line_(piece.line), depth_(depth),
          node_limit_(piece.text.size() + 16), diagnostics_(diagnostics) {
        if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3); // not counted by marks
    }

    Value take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    /// An implicit null has the location of its key, or of its list.
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Loc loc = place(mark);
        if (at_key()) {
            diagnostics_.add("a key can't be null", loc).hint =
                "a string that looks like a different type needs quotes: \"null\"";
            throw GiveUp();
        }
        if (!open_.empty() && !null_at(mark))
            loc = open_.back().key ? open_.back().key->loc : open_.back().loc;
        add(Value().at(loc), anchor, 1);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        Loc loc = place(mark);
        const bool plain = tag == "?" || tag.empty();
        // a quoted scalar has the location of its contents
        const auto at = static_cast<std::size_t>(mark.pos);
        if (!plain && at < text_.size() && (text_[at] == '"' || text_[at] == '\'')) {
            if (closing_quote(text_, at + 1) ==
                text_.npos) { // the parser accepts the end of the file instead of the quote
                diagnostics_.add("a string without its closing quote", loc);
                throw GiveUp();
            }
            ++loc.column;
        }
        if (!plain && tag != "!") refuse_tag(loc);
        if (at_key()) open_.back().merging = plain && text == "<<";
        if (at_key() || !plain)
            add(Value(text).at(loc), anchor, 1);
        else
            add(plain_scalar(text, loc, diagnostics_), anchor, 1);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto it = anchors_.find(anchor);
        if (it == anchors_.end()) {
            diagnostics_.add("an alias within the value that it refers to never ends", place(mark));
            throw GiveUp();
        }
        const auto& [value, size] = it->second;
        if (at_key() && !value.is_string()) {
            diagnostics_
                .add(fmt::format("a key is a string, not {}", value.kind_name()), place(mark))
                .hint = "write the key itself; an alias can be a key only if it refers to a string";
            throw GiveUp();
        }
        add(at_key() ? value.at(place(mark)) : value, 0, size);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, false);
    }
    void OnSequenceEnd() override {
        Open o = close();
        add(Value::list(std::move(o.items)).at(o.loc), o.anchor, o.size);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, true);
    }
    void OnMapEnd() override {
        Open o = close();
        report_doubles(o.entries, diagnostics_);
        if (o.merged) { // of two entries with the same key, the later one is kept
            o.merged->insert(o.merged->end(), std::make_move_iterator(o.entries.begin()),
                             std::make_move_iterator(o.entries.end()));
            o.entries = std::move(*o.merged);
        }
        add(Value::map(std::move(o.entries)).at(o.loc), o.anchor, o.size);
    }

  private:
    struct Open {
        bool map;
        Loc loc;
        YAML::anchor_t anchor;
        std::size_t size = 1; ///< number of nodes, with aliases expanded
        Value::List items = {};
        Value::Map entries = {};
        std::optional<Entry> key = {};
        bool merging = false; ///< the key is `<<`: the entries of its value are added to this map
        std::optional<Value::Map> merged = {};
        Loc merged_at = {};
    };

    [[nodiscard]] bool at_key() const {
        return !open_.empty() && open_.back().map && !open_.back().key;
    }

    Loc place(const YAML::Mark& mark) const {
        return {line_ + static_cast<std::uint32_t>(mark.line + 1),
                static_cast<std::uint16_t>(std::min(mark.column + 1, 65535)), file_};
    }

    /// Whether a null is written at the mark. For an implicit null the mark is where the next token
    /// begins, or at the end of the text.
    bool null_at(const YAML::Mark& mark) const {
        const std::string_view rest =
            text_.substr(std::min(static_cast<std::size_t>(std::max(mark.pos, 0)), text_.size()));
        for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
            if (!rest.starts_with(word)) continue;
            const std::size_t after = rest.find_first_not_of(" \t", word.size());
            if (after == rest.npos) return true;
            const bool comment = rest[after] == '#' && after > word.size();
            return comment || std::string_view(",]}\r\n").find(rest[after]) != rest.npos;
        }
        return false;
    }

    void refuse_tag(Loc loc) {
        diagnostics_.add("tags are not supported", loc).hint =
            "omit the tag: types follow from the schema; a string that begins with ! needs quotes: "
            "\"...\"";
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, bool map) {
        const Loc loc = place(mark);
        if (!tag.empty() && tag != "?" && tag != "!") refuse_tag(loc);
        if (open_.size() + depth_ >= kMaxYamlDepth) {
            diagnostics_.add(fmt::format("nested more than {} levels deep", kMaxYamlDepth), loc);
            throw GiveUp();
        }
        if (at_key()) {
            diagnostics_.add("a key has to be a scalar, not a list or a map", loc).hint =
                "is a closing bracket missing?";
            throw GiveUp();
        }
        open_.push_back({map, loc, anchor});
    }

    Open close() {
        Open o = std::move(open_.back());
        open_.pop_back();
        return o;
    }

    void add(Value value, YAML::anchor_t anchor, std::size_t size) {
        // yaml-cpp can emit events endlessly on invalid input; each real node takes a byte
        if (++events_ > node_limit_) {
            diagnostics_.add("the text can't be read as YAML", value.loc());
            throw GiveUp();
        }
        if (anchor != 0) anchors_[anchor] = {value, size};
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        Open& top = open_.back();
        top.size += size;
        if (top.size > kMaxYamlExpandedNodes) {
            diagnostics_.add(
                fmt::format("aliases expand this to more than {} values", kMaxYamlExpandedNodes),
                value.loc());
            throw GiveUp();
        }
        if (!top.map) {
            top.items.push_back(std::move(value));
        } else if (!top.key) {
            start_entry(top, value);
        } else if (top.merging) {
            merge(top, value);
            top.merging = false;
            top.key.reset();
        } else {
            top.key->value = std::move(value);
            top.entries.push_back(std::move(*top.key));
            top.key.reset();
        }
    }

    void start_entry(Open& top, const Value& key) {
        if (top.entries.empty() && !top.merged) top.loc = key.loc();
        top.key = Entry{key.as_string(), {}, key.loc()};
    }

    /// Merges the entries of a map, or of each map of a list, where earlier maps take precedence.
    /// Entries keep their locations.
    void merge(Open& top, const Value& value) {
        const Loc loc = top.key->loc;
        if (top.merged)
            diagnostics_.add("duplicate key \"<<\"", loc)
                .with_note("first here", top.merged_at)
                .hint = "merge several maps as a list: <<: [*a, *b]";
        if (!top.merged) top.merged.emplace();
        top.merged_at = loc;
        const Value::List maps = value.is_list() ? value.as_list() : Value::List{value};
        for (auto map = maps.rbegin(); map != maps.rend(); ++map) {
            if (!map->is_map()) {
                diagnostics_
                    .add(fmt::format("<< merges a map or a list of maps, not {}", map->kind_name()),
                         loc)
                    .hint = "write an alias: <<: *defaults; in quotes, << is an ordinary key";
                continue;
            }
            merged_ += map->as_map().size();
            if (merged_ > kMaxYamlMergedEntries) {
                diagnostics_.add(fmt::format("merge keys add more than {} entries to maps",
                                             kMaxYamlMergedEntries),
                                 loc);
                throw GiveUp();
            }
            top.merged->insert(top.merged->end(), map->as_map().begin(), map->as_map().end());
        }
    }

    std::uint16_t file_;
    std::string_view text_;
    std::uint32_t line_;
    std::size_t depth_;
    std::size_t node_limit_;
    std::size_t events_ = 0;
    std::size_t merged_ = 0; ///< entries added by merge keys
    Diagnostics& diagnostics_;
    Value root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, std::pair<Value, std::size_t>> anchors_;
};

/// The location of the byte at `offset`.
Loc locate(std::string_view text, std::size_t offset, std::uint16_t file) {
    const std::string_view before = text.substr(0, offset);
    const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    return {line + 1, static_cast<std::uint16_t>(std::min<std::size_t>(offset - start + 1, 65535)),
            file};
}

/// Offset of the first byte that is not well-formed UTF-8 (RFC 3629), or npos.
std::size_t invalid_utf8(std::string_view s) {
    for (std::size_t i = 0; i < s.size();) {
        const auto c = static_cast<unsigned char>(s[i]);
        if (c < 0x80) {
            ++i;
            continue;
        }
        const std::size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
        if (n == 0 || c > 0xF4 || i + n > s.size()) return i;
        std::uint32_t code = c & (0xFFu >> (n + 1));
        for (std::size_t k = 1; k < n; ++k) {
            const auto d = static_cast<unsigned char>(s[i + k]);
            if ((d & 0xC0) != 0x80) return i;
            code = code << 6 | (d & 0x3F);
        }
        const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
        if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return i;
        i += n;
    }
    return std::string_view::npos;
}

/// Rejects texts that the parser would misread or report badly.
bool readable(std::string_view text, std::uint16_t file, Diagnostics& diagnostics) {
    const auto refuse = [&](std::size_t offset, std::string message) -> Error& {
        return diagnostics.add(std::move(message), locate(text, offset, file));
    };
    if (text.size() > kMaxYamlBytes) {
        refuse(0, fmt::format("the file has {} bytes; the limit is {} MiB", text.size(),
                              kMaxYamlBytes >> 20));
        return false;
    }
    if (const auto at = text.find('\0'); at != text.npos) {
        refuse(at, "a NUL byte: this is not a text file").hint = "save it as a text file in UTF-8";
        return false;
    }
    if (const auto at = invalid_utf8(text); at != text.npos) {
        refuse(at, fmt::format("the byte 0x{:02x} is not valid UTF-8",
                               static_cast<unsigned char>(text[at])))
            .hint = "save the file as UTF-8";
        return false;
    }
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t first = text.find_first_not_of(' ', start);
        if (first == text.npos) break;
        if (text[first] == '\t') {
            const std::size_t content = text.find_first_not_of(" \t", first);
            if (content != text.npos && text[content] != '\n' && text[content] != '#') {
                refuse(first, "a tab in the indentation").hint = "indent with spaces";
                return false;
            }
        }
        const std::size_t end = text.find('\n', first);
        if (end == text.npos) break;
        start = end + 1;
    }
    return true;
}

/// @returns null if the text could not be read; `diagnostics` has the reasons
Value parse(std::uint16_t file, const YamlPiece& piece, std::size_t depth,
            Diagnostics& diagnostics) {
    Builder builder(file, piece, depth, diagnostics);
    try {
        std::istringstream in{std::string(piece.text)};
        YAML::Parser parser(in);
        if (!parser.HandleNextDocument(builder)) return {};
        Value root = builder.take_root();
        Diagnostics ignored;
        Builder second(file, piece, depth, ignored);
        if (parser.HandleNextDocument(second)) {
            Loc loc = second.take_root().loc();
            if (!loc.known()) loc = {1, 1, file};
            diagnostics.add("a second document begins here; a spec is one document", loc).hint =
                "remove the line ---, or move the text after it to a file of its own";
        }
        return root;
    } catch (const GiveUp&) {
        return {};
    } catch (const YAML::Exception& e) {
        // e.msg is only the reason; what() repeats the position
        const bool placed = !e.mark.is_null();
        const YamlAdvice advice =
            yaml_advice(e.msg, piece.text, placed ? static_cast<std::size_t>(e.mark.pos) : 0);
        diagnostics
            .add(advice.message,
                 {placed ? static_cast<std::uint32_t>(e.mark.line + 1) : 1,
                  placed ? static_cast<std::uint16_t>(std::min(e.mark.column + 1, 65535))
                         : std::uint16_t{1},
                  file})
            .hint = advice.hint;
        return {};
    }
}

constexpr std::string_view kNextEntry = "an-entry-comes-next"; ///< texts with it are not split

/// Parses one piece of a section. The parser accepts more at the end of a text than before another
/// entry, so an entry is appended before parsing, and removed from the result.
Value parse_entries(std::uint16_t file, const YamlPiece& piece, std::size_t indent,
                    Diagnostics& diagnostics) {
    const std::string text =
        fmt::format("{}{}{}: 1\n", piece.text, std::string(indent, ' '), kNextEntry);
    const Value all = parse(file, {text, piece.line}, 1, diagnostics);
    if (!all.is_map()) return {};
    Value entries = all.without(kNextEntry);
    return entries.as_map().empty() ? Value() : entries.at(all.loc());
}

/// Parses the pieces in parallel. A problem in any piece ends the parsing without a report.
std::optional<std::vector<Value>> parse_all(std::uint16_t file, const YamlPieces& pieces) {
    std::vector<YamlPiece> work{pieces.head, pieces.tail};
    work.insert(work.end(), pieces.entries.begin(), pieces.entries.end());
    const auto parsed = [&](std::size_t i, Diagnostics& diagnostics) {
        if (i < 2) return parse(file, work[i], 0, diagnostics);
        const bool ends = i + 1 == work.size() && pieces.tail.text.empty();
        return ends ? parse(file, work[i], 1, diagnostics)
                    : parse_entries(file, work[i], pieces.indent, diagnostics);
    };
    std::vector<Value> out(work.size());
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> good = true;
    const auto run = [&] {
        for (std::size_t i = next++; i < work.size() && good; i = next++) {
            Diagnostics diagnostics;
            auto simple = read_simple_yaml(file, work[i], diagnostics);
            out[i] = simple ? std::move(*simple) : parsed(i, diagnostics);
            if (!diagnostics.empty() || !(out[i].is_map() || out[i].is_null())) good = false;
        }
    };
    {
        const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < cores; ++i) others.emplace_back(run);
        run();
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
}

/// Joins the pieces. Returns nullopt if the result would differ from parsing the whole text.
std::optional<Value> joined(const std::vector<Value>& parts, const std::string& section) {
    if (!parts[0].is_map() || !parts[0].has(section) || !parts[0][section].is_null())
        return std::nullopt;
    Diagnostics doubles;
    Value::Map entries;
    Loc first;
    for (std::size_t i = 2; i < parts.size(); ++i) {
        if (!parts[i].is_map()) continue; // only comments
        if (!first.known()) first = parts[i].loc();
        const Value::Map& more = parts[i].as_map();
        entries.insert(entries.end(), more.begin(), more.end());
    }
    if (entries.size() > kMaxYamlExpandedNodes) return std::nullopt;
    report_doubles(entries, doubles);
    Value::Map root = parts[0].as_map();
    if (parts[1].is_map())
        root.insert(root.end(), parts[1].as_map().begin(), parts[1].as_map().end());
    report_doubles(root, doubles);
    if (!doubles.empty()) return std::nullopt;
    const Value all = Value::map(std::move(entries)).at(first);
    for (Entry& e : root)
        if (e.key == section) e.value = all;
    return Value::map(std::move(root)).at(parts[0].loc());
}

} // namespace

Value read_yaml(const Sources& sources, std::uint16_t file, Diagnostics& diagnostics,
                std::size_t piece_bytes) {
    const Span span("parse YAML", sources.files()[file].path.string());
    const std::string& text = sources.files()[file].text;
    if (!readable(text, file, diagnostics)) return {};
    // the anchor of a merge key is often in a different piece, and merged entries have a limit for
    // the whole text
    const bool whole = text.find(kNextEntry) != text.npos || text.find("<<:") != text.npos;
    const auto pieces = whole ? std::optional<YamlPieces>() : cut_yaml(text, piece_bytes);
    if (pieces)
        if (const auto parts = parse_all(file, *pieces))
            if (auto root = joined(*parts, pieces->section)) return std::move(*root);
    const std::size_t before = diagnostics.list().size();
    Value root = parse(file, {text, 0}, 0, diagnostics);
    if (root.is_null() && diagnostics.list().size() == before && !root.loc().known())
        diagnostics.add("the file is empty", {1, 1, file});
    return root;
}

Value read_secret_yaml(const Sources& sources, std::uint16_t file, std::string_view noun,
                       Diagnostics& diagnostics) {
    Diagnostics own;
    Value root = read_yaml(sources, file, own);
    for (const Error& error : own.list())
        diagnostics.add(fmt::format("{} is not valid YAML", noun), error.loc)
            .with_hint("look for a duplicate key, or a missing quote or bracket; the details are "
                       "not shown, because they may contain part of a secret");
    return root;
}

} // namespace hadeploy
