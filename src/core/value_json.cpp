// Reads and writes without an intermediate tree, because a state has many values.
#include "core/value_json.h"

#include "core/error.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace hadeploy {

namespace {
using Json = nlohmann::json;
/// Deeper than any Value including its marks, and shallow enough for recursive functions.
constexpr std::size_t kMaxJsonDepth = 4096;
/// This is also the limit for YAML.
constexpr std::size_t kMaxForeignDepth = 64;
constexpr const char* kSecret = "$secret";
constexpr const char* kUnknown = "$unknown";
/// Wraps a map of the user that looks like one of these marks.
constexpr const char* kLiteral = "$literal";

/// The purpose of the JSON: the state, which restores marks; people; or a function of the spec,
/// whose result inherits the marks of its argument.
enum class Audience { state, people, function };

class Writer {
  public:
    explicit Writer(Audience audience) : audience_(audience) {}

    void value(const Value& v) {
        if (!v.secret() || audience_ == Audience::function) return contents(v);
        if (audience_ == Audience::people) return text("(secret)");
        marked(kSecret, [&] { contents(v); });
    }
    std::string take() { return std::move(out_); }

  private:
    template<class Inner>
    void marked(const char* mark, Inner inner) {
        out_ += "{\"";
        out_ += mark;
        out_ += "\":";
        inner();
        out_ += '}';
    }

    void contents(const Value& v) {
        switch (v.kind()) {
        case Value::Kind::null: out_ += "null"; break;
        case Value::Kind::unknown:
            if (audience_ == Audience::people)
                text("(known after apply)");
            else
                marked(kUnknown, [&] { out_ += "true"; });
            break;
        case Value::Kind::boolean: out_ += v.as_bool() ? "true" : "false"; break;
        case Value::Kind::integer: out_ += std::to_string(v.as_integer()); break;
        case Value::Kind::number: out_ += Json(v.as_number()).dump(); break;
        case Value::Kind::string: text(v.as_string()); break;
        case Value::Kind::list: list(v.as_list()); break;
        case Value::Kind::map: map(v.as_map()); break;
        }
    }

    void list(const Value::List& items) {
        out_ += '[';
        for (const Value& item : items) {
            if (&item != &items.front()) out_ += ',';
            value(item);
        }
        out_ += ']';
    }

    /// Whether Reader would mistake the map for a mark.
    static bool looks_marked(const Value::Map& entries) {
        if (entries.size() == 1 && (entries[0].key == kSecret || entries[0].key == kUnknown))
            return true;
        return std::any_of(entries.begin(), entries.end(),
                           [](const Entry& e) { return e.key == kLiteral; });
    }

    void map(const Value::Map& entries) {
        if (audience_ == Audience::state && looks_marked(entries))
            marked(kLiteral, [&] { plain_map(entries); });
        else
            plain_map(entries);
    }

    void plain_map(const Value::Map& entries) {
        out_ += '{';
        for (const Entry& e : entries) {
            if (&e != &entries.front()) out_ += ',';
            text(e.key);
            out_ += ':';
            value(e.value);
        }
        out_ += '}';
    }

    /// Writes texts without escapes directly, for speed.
    void text(std::string_view s) {
        const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
        if (std::all_of(s.begin(), s.end(), plain)) {
            out_ += '"';
            out_ += s;
            out_ += '"';
        } else {
            out_ += Json(s).dump(-1, ' ', false, Json::error_handler_t::replace);
        }
    }

    Audience audience_;
    std::string out_;
};

std::string written(const Value& value, Audience audience) {
    Writer writer(audience);
    writer.value(value);
    return writer.take();
}

/// Builds values from the events of the parser.
class Reader : public Json::json_sax_t {
  public:
    Reader() = default;
    /// Reads text of external origin, in which marks have no meaning.
    explicit Reader(std::size_t deepest) : foreign_(true), deepest_(deepest) {}

    Value take() { return std::move(root_); }
    /// The error for a text of external origin; only its hint may contain parts of the text.
    [[nodiscard]] Error problem() const { return problem_; }

    bool null() override { return add({}); }
    bool boolean(bool v) override { return add(v); }
    bool number_integer(Json::number_integer_t v) override { return add(v); }
    bool number_unsigned(Json::number_unsigned_t v) override {
        if (v <= std::numeric_limits<std::int64_t>::max()) return add(static_cast<std::int64_t>(v));
        return foreign_ ? fail(kTooLarge) : add(static_cast<double>(v));
    }
    bool number_float(Json::number_float_t v, const std::string& text) override {
        const bool integer = text.find_first_of(".eE") == text.npos;
        return foreign_ && integer ? fail(kTooLarge) : add(v);
    }
    bool string(std::string& v) override { return add(std::move(v)); }
    bool binary(Json::binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(true); }
    bool start_array(std::size_t) override { return open(false); }
    bool key(std::string& name) override {
        open_.back().entries.push_back({std::move(name), {}});
        return true;
    }
    bool end_object() override {
        Open map = std::move(open_.back());
        open_.pop_back();
        if (foreign_) {
            std::set<std::string_view> keys;
            for (const Entry& e : map.entries)
                if (!keys.insert(e.key).second)
                    return fail("an object has a duplicate key", "the key is " + to_json(e.key));
        } else if (map.entries.size() == 1 && !map.literal) {
            const auto& [key, value, loc] = map.entries[0];
            if (key == kSecret) return add(value.as_secret());
            if (key == kUnknown) return add(Value::unknown());
            if (key == kLiteral) return add(value);
        }
        return add(Value::map(std::move(map.entries)));
    }
    bool end_array() override {
        Value::List items = std::move(open_.back().items);
        open_.pop_back();
        return add(Value::list(std::move(items)));
    }
    bool parse_error(std::size_t at, const std::string&, const Json::exception&) override {
        return fail("the text is not JSON", "the error is at byte " + std::to_string(at));
    }

  private:
    static constexpr const char* kTooLarge = "a number does not fit in a 64-bit integer";

    struct Open {
        bool object;
        bool literal = false; ///< reads a map even if it looks like a mark
        Value::Map entries = {};
        Value::List items = {};
    };
    bool open(bool object) {
        if (open_.size() == deepest_)
            return fail("nested more than " + std::to_string(deepest_) + " levels deep");
        const bool literal = object && !open_.empty() && open_.back().object &&
                             !open_.back().literal && open_.back().entries.size() == 1 &&
                             open_.back().entries[0].key == kLiteral;
        open_.push_back({object, literal});
        return true;
    }
    bool add(Value value) {
        if (open_.empty())
            root_ = std::move(value);
        else if (open_.back().object)
            open_.back().entries.back().value = std::move(value);
        else
            open_.back().items.push_back(std::move(value));
        return true;
    }

    bool fail(const std::string& problem, const std::string& hint = {}) {
        problem_ = Error(ErrorKind::spec, problem).with_hint(hint);
        return false;
    }

    bool foreign_ = false;
    std::size_t deepest_ = kMaxJsonDepth;
    Error problem_{ErrorKind::spec, ""};
    Value root_;
    std::vector<Open> open_;
};
} // namespace

std::string to_json(const Value& value) {
    return written(value, Audience::state);
}
std::string to_public_json(const Value& value) {
    return written(value, Audience::people);
}
std::string to_open_json(const Value& value) {
    return written(value, Audience::function);
}

Value from_json(std::string_view text) {
    Reader reader;
    if (!Json::sax_parse(text, &reader))
        throw Error(ErrorKind::state, "a stored value is not valid JSON");
    return reader.take();
}

Value from_foreign_json(std::string_view text) {
    Reader reader(kMaxForeignDepth);
    if (!Json::sax_parse(text, &reader)) throw reader.problem();
    return reader.take();
}

} // namespace hadeploy
