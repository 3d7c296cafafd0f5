#include "core/secrecy.h"

#include "core/hash.h"
#include "core/text.h"
#include "core/value_json.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace hadeploy {

namespace {
constexpr std::size_t kShortest = 4;
/// A single line of a secret text is redacted only if it is too long to occur by chance.
constexpr std::size_t kShortestLine = 12;
constexpr std::string_view kHidden = "(secret)";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

/// The base64 of a secret within a longer text, without the characters that depend on the bytes
/// before and after it. There are three forms, by the secret's offset modulo 3.
void add_base64_forms(const std::string& secret, std::vector<std::string>& out) {
    constexpr std::size_t shortest = 8;
    for (const std::size_t before : {0, 1, 2}) {
        const std::string coded = base64_encode(std::string(before, 'x') + secret);
        const std::size_t from = before == 0 ? 0 : before + 1;
        const std::size_t to = (before + secret.size()) * 8 / 6;
        if (to < from + shortest) continue;
        std::string url = out.emplace_back(coded.substr(from, to - from));
        replace_all(url, "+", "-");
        replace_all(url, "/", "_");
        out.push_back(std::move(url));
    }
}

std::string escaped(const std::string& text, std::string_view plain, bool all_but_plain) {
    std::string out;
    for (const char c : text) {
        const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
        const bool found = plain.find(c) != plain.npos;
        if (all_but_plain ? !letter && !found : found) out += '\\';
        out += c;
    }
    return out;
}

/// The forms in which shells print variables: in double quotes (bash's `export -p`), in single
/// quotes (bash and dash differ), with backslashes (`printf %q`).
void add_shell_forms(const std::string& secret, std::vector<std::string>& out) {
    replace_all(out.emplace_back(secret), "'", "'\\''");
    replace_all(out.emplace_back(secret), "'", "'\"'\"'");
    out.push_back(escaped(secret, "\"$`\\", false));
    out.push_back(escaped(secret, "_./:=@%+-", true));
}

/// The forms of a JSON string: plain, and with the additional escapes of PHP and Go.
void add_json_forms(const std::string& secret, std::vector<std::string>& out) {
    const std::string json = to_json(secret);
    const std::string& plain = out.emplace_back(json.substr(1, json.size() - 2));
    std::string slashes = plain, go = plain;
    replace_all(slashes, "/", "\\/");
    for (const auto& [c, code] : {std::pair("<", "\\u003c"), {">", "\\u003e"}, {"&", "\\u0026"}})
        replace_all(go, c, code);
    out.push_back(std::move(slashes));
    out.push_back(std::move(go));
}

/// The forms that in_quotes() writes, whole or truncated: alone, and after a letter, where it
/// escapes more characters.
void add_quoted_forms(const std::string& secret, std::vector<std::string>& out) {
    const std::size_t length = count_characters(secret);
    for (const std::string before : {"", "a"})
        for (const std::size_t max : {length, std::size_t{20}, std::size_t{60}, std::size_t{80}}) {
            if (max > length) continue;
            const std::string quoted = in_quotes(before + secret, before.size() + max);
            const std::size_t from = 1 + before.size();
            out.push_back(quoted.substr(from, quoted.size() - from - 1));
        }
}

std::vector<std::string> forms_of(const std::string& secret) {
    std::vector<std::string> out{secret, base64_encode(secret)};
    add_json_forms(secret, out);
    add_shell_forms(secret, out);
    add_base64_forms(secret, out);
    add_quoted_forms(secret, out);
    for (std::size_t from = 0, to = 0; secret.find('\n') != secret.npos && to != secret.npos;
         from = to + 1) {
        to = secret.find('\n', from);
        const std::string line = secret.substr(from, to - from);
        if (line.size() >= kShortestLine) out.push_back(line);
    }
    return out;
}

/// A string or number as it appears in texts; "" for other values.
std::string text_of(const Value& v) {
    if (v.is_string()) return v.as_string();
    if (v.is_integer()) return std::to_string(v.as_integer());
    return v.is_number() ? to_json(v.as_number()) : "";
}

/// Calls `f` with the path and the value of each secret leaf.
template<class Function>
void each_secret(const Value& value, const std::string& path, bool inherited, const Function& f) {
    const bool here = inherited || value.secret();
    if (!here && !value.contains_secret()) return;
    if (value.is_map())
        for (const Entry& e : value.as_map()) each_secret(e.value, path + "." + e.key, here, f);
    else if (value.is_list())
        for (std::size_t i = 0; i < value.as_list().size(); ++i)
            each_secret(value.as_list()[i], path + "[" + std::to_string(i) + "]", here, f);
    else if (here && !value.is_unknown()) {
        f(path, value);
        for (const Value& part : value.secret_parts()) f(path, part);
    }
}

bool has(std::string_view characters, char c) {
    return characters.find(c) != characters.npos;
}

bool in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

/// Replaces a number where it is a separate word. Keeps numbers that are values in a line of JSON,
/// because hadeploy wrote them, and replacing them would make the JSON invalid.
void replace_number(std::string& text, const std::string& number) {
    const bool json = text.starts_with('{') || text.starts_with('[');
    for (auto at = text.find(number); at != text.npos; at = text.find(number, at + 1)) {
        const char before = at == 0 ? ' ' : text[at - 1];
        const std::size_t end = at + number.size();
        const char after = end == text.size() ? ' ' : text[end];
        const bool sentence_ends =
            after == '.' && (end + 1 == text.size() || !in_word(text[end + 1]));
        if (in_word(before) || (in_word(after) && !sentence_ends)) continue;
        if (json && has(":[,", before) && has(",]}", after)) continue;
        text.replace(at, number.size(), kHidden);
    }
}

Value map_as(const Value& value, const Value& model) {
    Value::Map entries = value.as_map();
    for (Entry& e : entries) e.value = as_secret_as(e.value, model[e.key]);
    return Value::map(std::move(entries)).at(value.loc());
}

/// Items may have moved, so a value that is secret in one item of the model counts as secret in all
/// items.
Value list_as(const Value& value, const Value& model) {
    Value::List items = value.as_list();
    for (Value& item : items)
        for (const Value& m : model.as_list()) item = as_secret_as(item, m);
    return Value::list(std::move(items)).at(value.loc());
}
} // namespace

Value as_secret_as(const Value& value, const Value& model) {
    if (!model.contains_secret() || value.is_null() || value.secret()) return value;
    if (!model.secret() && value.is_map() && model.is_map()) return map_as(value, model);
    if (!model.secret() && value.is_list() && model.is_list()) return list_as(value, model);
    return value.as_secret();
}

namespace {
/// Adds the secrets of a value that are long enough to be redacted, each once.
void add_parts(const Value& source, std::set<std::string>& seen, Value::List& out) {
    each_secret(source, "", false, [&](const std::string&, const Value& secret) {
        std::string text = text_of(secret);
        if (text.size() < kShortest || !seen.insert(std::move(text)).second) return;
        out.push_back(secret.is_string() ? Value(secret.as_string()) : secret);
    });
}

Value with_parts(const Value& made, const Value::List& parts, bool only_contained) {
    if (made.is_string()) {
        Value::List own;
        for (const Value& part : parts) {
            const std::string text = text_of(part);
            const bool contained = made.as_string().find(text) != std::string::npos;
            if (made.as_string() != text && (contained || !only_contained)) own.push_back(part);
        }
        return made.with_secret_parts(std::move(own));
    }
    if (made.is_list()) {
        Value::List items = made.as_list();
        for (Value& item : items) item = with_parts(item, parts, true);
        const Value out = Value::list(std::move(items)).at(made.loc());
        return made.secret() ? out.as_secret() : out;
    }
    if (!made.is_map()) return made;
    Value::Map entries = made.as_map();
    for (Entry& e : entries) e.value = with_parts(e.value, parts, true);
    const Value out = Value::map(std::move(entries)).at(made.loc());
    return made.secret() ? out.as_secret() : out;
}
} // namespace

Value made_from(const Value& made, const Value::List& sources) {
    std::set<std::string> seen;
    Value::List parts;
    for (const Value& source : sources) add_parts(source, seen, parts);
    return parts.empty() ? made : with_parts(made, parts, false);
}

std::string quoted(const Value& value, std::size_t max) {
    if (!value.is_string()) return redacted(value, display(value));
    return quoted(value, value.as_string(), max);
}

std::string quoted(const Value& whole, std::string_view part, std::size_t max) {
    return whole.contains_secret() ? std::string(kHidden) : in_quotes(part, max);
}

std::string redacted(const Value& whole, std::string text) {
    return whole.contains_secret() ? std::string(kHidden) : text;
}

std::string named(const Value& config, std::string_view attribute) {
    return redacted(config.secret() ? config : config[attribute], text_of(config[attribute]));
}

void Redactor::add(const Value& value) {
    std::vector<std::string> secrets;
    collect_secrets(value, secrets);
    for (const std::string& secret : secrets)
        if (secret.size() >= kShortest)
            for (std::string& form : forms_of(secret)) forms_.push_back(std::move(form));
    each_secret(value, "", false, [this](const std::string&, const Value& secret) {
        if (secret.is_string() || text_of(secret).size() < kShortest) return;
        numbers_.push_back(text_of(secret));
    });
    std::sort(forms_.begin(), forms_.end(), [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
    forms_.erase(std::unique(forms_.begin(), forms_.end()), forms_.end());
}

std::string Redactor::operator()(std::string_view text) const {
    std::string out(text);
    for (const std::string& form : forms_) replace_all(out, form, kHidden);
    for (const std::string& number : numbers_) replace_number(out, number);
    return out;
}

std::vector<std::string> short_secrets(const Value& value, const std::string& name) {
    std::vector<std::string> out;
    each_secret(value, name, false, [&](const std::string& path, const Value& secret) {
        const std::string text = text_of(secret);
        if (!text.empty() && text.size() < kShortest) out.push_back(path);
    });
    return out;
}

namespace {
bool stands_alone(std::string_view text, std::string_view word) {
    const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool begins = at == 0 || !letter(word.front()) || !letter(text[at - 1]);
        const bool ends = end == text.size() || !letter(word.back()) || !letter(text[end]);
        if (begins && ends) return true;
    }
    return false;
}
} // namespace

bool shows_short_secret(std::string_view text, const Value& value) {
    bool found = false;
    each_secret(value, "", false, [&](const std::string&, const Value& secret) {
        const std::string word = text_of(secret);
        if (found || word.empty() || word.size() >= kShortest || word == " ") return;
        const std::string escaped = in_quotes(word);
        found = stands_alone(text, word) ||
                stands_alone(text, std::string_view(escaped).substr(1, escaped.size() - 2));
    });
    return found;
}

std::string without_secrets(std::string text, const Value& config) {
    if (!config.contains_secret()) return text;
    if (shows_short_secret(text, config)) return std::string(kHidden);
    Redactor redact;
    redact.add(config);
    return redact(text);
}

Error without_secrets(Error error, const Value& value) {
    if (!value.contains_secret()) return error;
    Redactor redact;
    redact.add(value);
    error.message = redact(error.message);
    error.hint = redact(error.hint);
    for (Note& note : error.notes) note.text = redact(note.text);
    return error;
}

} // namespace hadeploy
