#pragma once

#include "common/http.h"
#include "visualizer/watcher.h"

namespace hadeploy::svc {

/// The visualizer's pages: `/` with its style and script, `/api/state` as JSON, `/api/events` as
/// server-sent events (`state` with the whole state, `beat` if nothing changed), `/healthz`.
class VisualizerApp {
  public:
    VisualizerApp(Place place, Watcher& watcher) : place_(std::move(place)), watcher_(watcher) {}

    HttpResponse handle(const HttpRequest& request);

  private:
    Json full_state(const Watcher::Snapshot& shot) const;
    void stream(Socket& socket, const std::atomic<bool>& stopping) const;

    Place place_;
    Watcher& watcher_;
};

} // namespace hadeploy::svc
