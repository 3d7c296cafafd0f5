#include "visualizer/app.h"

#include "assets.h"
#include "common/text.h"

namespace hadeploy::svc {
namespace {

constexpr auto kBeat = std::chrono::seconds(4);
constexpr auto kSlice = std::chrono::milliseconds(500); ///< how often a stream checks for the stop
constexpr auto kWriteTimeout = std::chrono::seconds(10);

std::string dump(const Json& body) {
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void send_event(Socket& socket, const char* name, const Json& data) {
    socket.write_all(std::string("event: ") + name + "\ndata: " + dump(data) + "\n\n",
                     Clock::now() + kWriteTimeout);
}

} // namespace

HttpResponse VisualizerApp::handle(const HttpRequest& request) {
    if (request.method != "GET" && request.method != "HEAD")
        return HttpResponse::text(405, "only GET is allowed\n");
    if (request.path == "/") return HttpResponse::html(200, std::string(asset::index_html));
    if (request.path == "/style.css")
        return HttpResponse::file("text/css; charset=utf-8", asset::style_css);
    if (request.path == "/visualizer.js")
        return HttpResponse::file("text/javascript; charset=utf-8", asset::visualizer_js);
    if (request.path == "/icon.svg") return HttpResponse::file("image/svg+xml", asset::icon_svg);
    if (request.path == "/healthz") return HttpResponse::text(200, "ok\n");
    if (request.path == "/api/state")
        return HttpResponse::json(200, dump(full_state(watcher_.look())) + "\n");
    if (request.path == "/api/events") {
        HttpResponse response;
        response.type = "text/event-stream";
        response.stream = [this](Socket& socket, const std::atomic<bool>& stopping) {
            stream(socket, stopping);
        };
        return response;
    }
    return HttpResponse::text(404, "there is no such page\n");
}

Json VisualizerApp::full_state(const Watcher::Snapshot& shot) const {
    Json state = shot.state;
    state["now"] = now_iso();
    state["served_by"] = {{"node", place_.node}, {"container", place_.container}};
    return state;
}

void VisualizerApp::stream(Socket& socket, const std::atomic<bool>& stopping) const {
    Watcher::Snapshot shot = watcher_.look();
    socket.write_all("retry: 1000\n\n", Clock::now() + kWriteTimeout);
    send_event(socket, "state", full_state(shot));
    auto sent = Clock::now();
    while (!stopping) {
        const Watcher::Snapshot next = watcher_.look_beyond(shot.version, kSlice);
        if (next.version != shot.version || next.is_stale != shot.is_stale)
            send_event(socket, "state", full_state(next));
        else if (Clock::now() - sent >= kBeat)
            send_event(socket, "beat", {{"at", next.state.at("at")}});
        else
            continue;
        sent = Clock::now();
        shot = next;
    }
}

} // namespace hadeploy::svc
