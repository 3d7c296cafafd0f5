#include "web/pages.h"

#include "common/entity.h"
#include "common/text.h"

namespace hadeploy::svc {
namespace {

std::string row(const Json& entity) {
    const std::string name = entity.at("name");
    const std::string at = entity.at("changed_at");
    return "<tr><td class=\"name\">" + html_escape(name) + "</td><td class=\"number\">" +
           std::to_string(entity.at("quantity").get<std::int64_t>()) +
           "</td><td class=\"when\"><time datetime=\"" + html_escape(at) + "\">" +
           html_escape(at.substr(0, 10)) + " " + html_escape(at.substr(11, 8)) +
           "</time></td></tr>\n";
}

std::string render_list(const Json& list) {
    if (list.is_null()) return "<p class=\"empty\">The list cannot be read at the moment.</p>\n";
    const Json& entities = list.at("entities");
    if (entities.empty())
        return "<p class=\"empty\">Nothing here yet. Add the first one above.</p>\n";
    std::string rows;
    for (const Json& entity : entities) rows += row(entity);
    const auto count = list.at("count").get<std::int64_t>();
    std::string more;
    if (count > static_cast<std::int64_t>(entities.size()))
        more = "<p class=\"empty\">The first " + std::to_string(entities.size()) + " of " +
               std::to_string(count) + ". For the others, see <code>/api/entities</code>.</p>\n";
    return "<table data-testid=\"entities\"><thead><tr><th>Name</th><th "
           "class=\"number\">Quantity</th>"
           "<th class=\"when\">Last change (UTC)</th></tr></thead><tbody>\n" +
           rows + "</tbody></table>\n" + more;
}

std::string render_notice(const Notice& notice) {
    if (notice.kind == Notice::Kind::None) return {};
    const bool done = notice.kind == Notice::Kind::Done;
    return std::string("<p class=\"notice ") + (done ? "done" : "problem") + "\" role=\"" +
           (done ? "status" : "alert") + "\" data-testid=\"notice\" data-state=\"" +
           (done ? "done" : "problem") + "\">" + html_escape(notice.text) + "</p>\n";
}

std::string render_form(const Form& form) {
    return "<form method=\"post\" action=\"/\" autocomplete=\"off\">\n"
           "<input type=\"hidden\" name=\"id\" value=\"" +
           html_escape(form.id) +
           "\">\n<label class=\"grow\">Name<input name=\"name\" required autofocus maxlength=\"" +
           std::to_string(kMostNameLength) + "\" placeholder=\"apples\" value=\"" +
           html_escape(form.name) +
           "\"></label>\n<label>Quantity<input name=\"quantity\" type=\"number\" required "
           "min=\"1\" "
           "max=\"" +
           std::to_string(kMostQuantity) + "\" step=\"1\" value=\"" + html_escape(form.quantity) +
           "\"></label>\n<button>Save</button>\n</form>\n";
}

} // namespace

std::string render_page(const Place& place, const Form& form, const Notice& notice,
                        const Json& list) {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
           "<title>Entities</title><link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">"
           "<link rel=\"stylesheet\" href=\"/style.css\"></head><body><main>\n"
           "<header><h1>Entities</h1><p>A new name is created, an existing one is incremented. "
           "Confirmed writes are on the replicated volume.</p></header>\n" +
           render_form(form) + render_notice(notice) + render_list(list) +
           "<footer>Served by <b data-testid=\"node\">" + html_escape(place.node) +
           "</b>, container <code data-testid=\"container\">" + html_escape(place.container) +
           "</code>. After a reload, another container may "
           "respond.</footer>\n</main></body></html>\n";
}

} // namespace hadeploy::svc
