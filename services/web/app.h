#pragma once

#include "common/http.h"
#include "common/rpc.h"
#include "web/pages.h"

#include <atomic>
#include <semaphore>

namespace hadeploy::svc {

/// The web service without its socket.
///
/// `POST /api/entities {"name", "quantity", "id"?}` responds with 200 only if the database has
/// acknowledged the write as durable; 503 means that the outcome is unknown. The request can be
/// sent again with the same ID without writing twice.
class WebApp {
  public:
    /// `patience` limits how long a request waits for the database. If a quarter of it passes
    /// before its turn, the response is 503 with the code "busy". `/startz` responds with 503 until
    /// the database has answered once, but no longer than `start`.
    WebApp(Place place, Endpoint database, std::chrono::milliseconds patience,
           std::chrono::milliseconds start);

    HttpResponse handle(const HttpRequest& request);

  private:
    HttpResponse route(const HttpRequest& request);
    HttpResponse api(const HttpRequest& request);
    HttpResponse api_put(const HttpRequest& request);
    HttpResponse api_list(const HttpRequest& request);
    HttpResponse api_writes(const HttpRequest& request);
    HttpResponse ready();
    HttpResponse started();
    HttpResponse page(int status, const Form& form, Notice notice);
    HttpResponse show_page(const HttpRequest& request);
    HttpResponse submit(const HttpRequest& request);
    HttpResponse reply(const Json& body) const;
    Json counts() const;
    Json ask(const Json& request);

    /// Limit of concurrent database requests. It is low enough that each is answered before its
    /// client gives up; otherwise the database would spend its time on abandoned requests.
    static constexpr int kTurns = 16;
    using Turns = std::counting_semaphore<kTurns>;

    Place place_;
    std::chrono::milliseconds patience_;
    RpcClient database_;
    Deadline start_until_;
    std::atomic<bool> reached_ = false; ///< the database, at least once
    Turns turns_{kTurns};
    std::atomic<std::uint64_t> requests_ = 0; ///< without checks of this service
    std::atomic<std::uint64_t> errors_ = 0;   ///< of these, those answered with 500 or more
};

} // namespace hadeploy::svc
