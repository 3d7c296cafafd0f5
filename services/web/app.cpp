#include "web/app.h"

#include "assets.h"
#include "common/entity.h"
#include "common/text.h"

#include <algorithm>
#include <array>

namespace hadeploy::svc {
namespace {

constexpr std::int64_t kMostPage = 1000;
constexpr std::int64_t kRowsOnPage = 200;

constexpr std::string_view kEntities = "/api/entities/";
constexpr std::string_view kWrites = "/api/writes/";
constexpr std::string_view kCounts = "/api/requests";
/// Requests of checks and of the visualizer.
constexpr std::array<std::string_view, 4> kUncounted{"/healthz", "/readyz", "/startz", kCounts};

std::string dump(const Json& body) {
    return body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

HttpResponse problem(int status, const std::string& code, const std::string& message) {
    return HttpResponse::json(status, dump({{"error", {{"code", code}, {"message", message}}}}));
}

HttpResponse not_found() {
    return problem(404, "not_found", "there is no such resource");
}

int status_of(const RpcError& error) {
    if (error.code() == "not_found") return 404;
    if (error.code() == "conflict") return 409;
    return error.is_transient() ? 503 : 400;
}

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string value_or(const std::map<std::string, std::string>& map, const std::string& key,
                     const std::string& fallback) {
    const auto found = map.find(key);
    return found == map.end() ? fallback : found->second;
}

/// A number in the query; throws RpcError "invalid" for anything else.
std::int64_t query_number(const HttpRequest& request, const std::string& key, std::int64_t fallback,
                          std::int64_t most) {
    const auto value = parse_integer(value_or(request.query, key, std::to_string(fallback)));
    if (!value || *value < 0 || *value > most)
        throw RpcError("invalid", key + " must be a number from 0 to " + std::to_string(most));
    return *value;
}

std::string first_problem(const std::string& id, const std::string& name, std::int64_t quantity) {
    for (const std::string& text : {id_problem(id), name_problem(name), quantity_problem(quantity)})
        if (!text.empty()) return text;
    return {};
}

std::string told(const Json& write) {
    const std::string name = write.at("name");
    const auto total = std::to_string(write.at("total").get<std::int64_t>());
    if (write.at("action") == "created") return "Created “" + name + "” with " + total + ".";
    return "Incremented “" + name + "” by " +
           std::to_string(write.at("quantity").get<std::int64_t>()) + " to " + total + ".";
}

} // namespace

WebApp::WebApp(Place place, Endpoint database, std::chrono::milliseconds patience,
               std::chrono::milliseconds start)
    : place_(std::move(place)), patience_(patience), database_(std::move(database)),
      start_until_(Clock::now() + start) {}

HttpResponse WebApp::handle(const HttpRequest& request) {
    const bool counted =
        std::find(kUncounted.begin(), kUncounted.end(), request.path) == kUncounted.end();
    if (counted) ++requests_;
    HttpResponse response = route(request);
    if (counted && response.status >= 500) ++errors_;
    response.headers["X-Served-By"] = url_encode(place_.node) + "/" + url_encode(place_.container);
    return response;
}

HttpResponse WebApp::route(const HttpRequest& request) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (!reads && request.method != "POST")
        return problem(405, "method", "only GET and POST are allowed");
    if (request.path == "/") return reads ? show_page(request) : submit(request);
    if (request.path.starts_with("/api/")) return api(request);
    if (!reads) return not_found();
    if (request.path == "/healthz") return HttpResponse::text(200, "ok\n");
    if (request.path == "/readyz") return ready();
    if (request.path == "/startz") return started();
    if (request.path == "/style.css")
        return HttpResponse::file("text/css; charset=utf-8", asset::style_css);
    if (request.path == "/icon.svg") return HttpResponse::file("image/svg+xml", asset::icon_svg);
    return not_found();
}

HttpResponse WebApp::api(const HttpRequest& request) {
    const std::string& path = request.path;
    try {
        if (request.method == "POST")
            return path == "/api/entities" ? api_put(request) : not_found();
        if (path == "/api/entities") return api_list(request);
        if (path == "/api/writes") return api_writes(request);
        if (path == kCounts) return reply(counts());
        if (path == "/api/check")
            return reply({{"integrity", ask({{"op", "check"}}).at("integrity")}});
        if (path.starts_with(kEntities))
            return reply(
                ask({{"op", "get"}, {"name", path.substr(kEntities.size())}}).at("entity"));
        if (path.starts_with(kWrites))
            return reply(ask({{"op", "write"}, {"id", path.substr(kWrites.size())}}).at("write"));
        return not_found();
    } catch (const RpcError& error) {
        return problem(status_of(error), error.code(), error.what());
    } catch (const NetworkError& error) {
        return problem(503, "unavailable",
                       std::string("the database did not respond (") + error.what() +
                           "); send the same request with the same id again");
    }
}

HttpResponse WebApp::api_put(const HttpRequest& request) {
    const Json body = parse_json(request.body);
    if (!body.is_object() || !body.contains("name") || !body["name"].is_string() ||
        !body.contains("quantity") || !body["quantity"].is_number_integer() ||
        (body.contains("id") && !body["id"].is_string()))
        return problem(400, "invalid",
                       "send a JSON object {\"name\": text, \"quantity\": integer, \"id\": text "
                       "(optional)}");
    if (body["quantity"].is_number_unsigned() && body["quantity"] > kMostQuantity)
        return problem(400, "invalid", quantity_problem(kMostQuantity + 1));
    const std::string id = body.contains("id") ? body["id"].get<std::string>() : random_id();
    const std::string name = body["name"];
    const std::int64_t quantity = body["quantity"];
    if (const std::string text = first_problem(id, name, quantity); !text.empty())
        return problem(400, "invalid", text);
    const Json answer = ask({{"op", "put"}, {"id", id}, {"name", name}, {"quantity", quantity}});
    Json result = answer.at("write");
    result["replayed"] = answer.at("replayed");
    return reply(result);
}

HttpResponse WebApp::api_list(const HttpRequest& request) {
    const std::int64_t limit = query_number(request, "limit", kMostPage, kMostPage);
    Json answer =
        ask({{"op", "list"}, {"after", value_or(request.query, "after", "")}, {"limit", limit}});
    Json& entities = answer.at("entities");
    const bool full =
        static_cast<std::int64_t>(entities.size()) >= std::max<std::int64_t>(limit, 1);
    const Json next = full ? entities.back().at("name") : Json();
    return reply({{"entities", entities}, {"count", answer.at("count")}, {"next", next}});
}

HttpResponse WebApp::api_writes(const HttpRequest& request) {
    const std::int64_t after = query_number(request, "after", 0, std::int64_t{1} << 53);
    const std::int64_t limit = query_number(request, "limit", kMostPage, kMostPage);
    Json answer = ask({{"op", "writes"},
                       {"after", after},
                       {"limit", limit},
                       {"prefix", value_or(request.query, "prefix", "")}});
    Json& writes = answer.at("writes");
    const bool full = static_cast<std::int64_t>(writes.size()) >= std::max<std::int64_t>(limit, 1);
    const bool more = full && writes.back().at("seq") < answer.at("last");
    const Json next = more ? writes.back().at("seq") : Json();
    return reply({{"writes", writes}, {"last", answer.at("last")}, {"next", next}});
}

HttpResponse WebApp::ready() {
    try {
        return reply({{"ready", true}, {"database", ask({{"op", "active"}}).at("node")}});
    } catch (const std::runtime_error& error) {
        return problem(503, "unavailable", error.what());
    }
}

/// A task that just started may not find a database for some seconds, while the other tasks do. An
/// outage of the database must not keep all of them out, hence the limit.
HttpResponse WebApp::started() {
    if (!reached_ && Clock::now() < start_until_) return ready();
    return HttpResponse::text(200, "ok\n");
}

HttpResponse WebApp::show_page(const HttpRequest& request) {
    Notice notice;
    const std::string id = value_or(request.query, "done", "");
    if (id_problem(id).empty()) {
        try {
            const Json write = ask({{"op", "write"}, {"id", id}}).at("write");
            notice = {Notice::Kind::Done, told(write)};
        } catch (const std::runtime_error&) {
            // Only the confirmation is missing; the list below shows the entities.
        }
    }
    return page(200, {random_id(), "", "1"}, notice);
}

HttpResponse WebApp::submit(const HttpRequest& request) {
    const auto fields = parse_form(request.body);
    Form form{value_or(fields, "id", ""), trimmed(value_or(fields, "name", "")),
              value_or(fields, "quantity", "")};
    if (form.id.empty()) form.id = random_id();
    const auto quantity = parse_integer(form.quantity);
    const std::string text = quantity ? first_problem(form.id, form.name, *quantity)
                                      : "the quantity must be a whole number";
    if (!text.empty()) return page(400, form, {Notice::Kind::Problem, "Not saved: " + text + "."});
    try {
        ask({{"op", "put"}, {"id", form.id}, {"name", form.name}, {"quantity", *quantity}});
        return HttpResponse::redirect("/?done=" + form.id);
    } catch (const RpcError& error) {
        if (error.code() == "conflict") {
            form.id = random_id();
            return page(409, form,
                        {Notice::Kind::Problem,
                         "The previous content of this form was saved after all. "
                         "Press Save to save this one as well."});
        }
        if (!error.is_transient())
            return page(status_of(error), form,
                        {Notice::Kind::Problem, std::string("Not saved: ") + error.what() + "."});
    } catch (const NetworkError&) {
        // Handled like a transient error below.
    }
    return page(503, form,
                {Notice::Kind::Problem, "The database did not respond. Press Save again: the same "
                                        "form is never counted twice."});
}

HttpResponse WebApp::page(int status, const Form& form, Notice notice) {
    Json list;
    try {
        if (status != 503) list = ask({{"op", "list"}, {"limit", kRowsOnPage}});
    } catch (const std::runtime_error&) {
        status = 503;
        if (notice.kind == Notice::Kind::None)
            notice = {
                Notice::Kind::Problem,
                "The database does not respond at the moment. It may be moving to another node: "
                "reload in a moment."};
    }
    return HttpResponse::html(status, render_page(place_, form, notice, list));
}

HttpResponse WebApp::reply(const Json& body) const {
    Json full = body;
    full["served_by"] = {{"node", place_.node}, {"container", place_.container}};
    return HttpResponse::json(200, dump(full));
}

Json WebApp::counts() const {
    return {{"requests", requests_.load()}, {"errors", errors_.load()}};
}

Json WebApp::ask(const Json& request) {
    const Deadline deadline = Clock::now() + patience_;
    if (!turns_.try_acquire_for(patience_ / 4))
        throw RpcError("busy",
                       "too many requests are waiting for the database; send the same request "
                       "with the same id again in a moment");
    const std::unique_ptr<Turns, void (*)(Turns*)> turn(&turns_, [](Turns* t) { t->release(); });
    Json answer = database_.call(request, deadline);
    reached_ = true;
    return answer;
}

} // namespace hadeploy::svc
