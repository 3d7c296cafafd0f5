#include "core/secrecy.h"

#include "core/hash.h"

#include <algorithm>

namespace hadeploy {

namespace {
constexpr std::size_t kShortest = 4;
/// A line of a secret text stands for it only when it is too long to be found by chance.
constexpr std::size_t kShortestLine = 12;
constexpr std::string_view kHidden = "(secret)";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

std::vector<std::string> forms_of(const std::string& secret) {
    std::vector<std::string> out{secret, base64_encode(secret)};
    const std::string json = to_json(secret);
    out.push_back(json.substr(1, json.size() - 2));
    replace_all(out.emplace_back(secret), "'", "'\\''");
    for (std::size_t from = 0, to = 0; secret.find('\n') != secret.npos && to != secret.npos;
         from = to + 1) {
        to = secret.find('\n', from);
        const std::string line = secret.substr(from, to - from);
        if (line.size() >= kShortestLine) out.push_back(line);
    }
    return out;
}

Value map_as(const Value& value, const Value& model) {
    Value::Map entries = value.as_map();
    for (Entry& e : entries) e.value = as_secret_as(e.value, model[e.key]);
    return Value::map(std::move(entries)).at(value.loc());
}

/// Items may have moved: what is secret in one place of the model is so in all.
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

void Redactor::add(const Value& value) {
    std::vector<std::string> secrets;
    collect_secrets(value, secrets);
    for (const std::string& secret : secrets)
        if (secret.size() >= kShortest)
            for (std::string& form : forms_of(secret)) forms_.push_back(std::move(form));
    std::sort(forms_.begin(), forms_.end(), [](const std::string& a, const std::string& b) {
        return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
    forms_.erase(std::unique(forms_.begin(), forms_.end()), forms_.end());
}

std::string Redactor::operator()(std::string_view text) const {
    std::string out(text);
    for (const std::string& form : forms_) replace_all(out, form, kHidden);
    return out;
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
