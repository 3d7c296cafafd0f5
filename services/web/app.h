#pragma once

#include "common/http.h"
#include "common/rpc.h"
#include "web/pages.h"

#include <semaphore>

namespace hadeploy::svc {

/// The web service without its socket: a request in, a response out.
///
/// `POST /api/entities {"name", "quantity", "id"?}` answers 200 only for a write that the
/// database says is durable; 503 means that the outcome is unknown, and the same request with the
/// same id may be sent again without writing twice.
class WebApp {
  public:
    /// `patience` bounds how long one request waits for the database; a quarter of it may pass
    /// until its turn comes, else the answer is 503 with the code "busy".
    WebApp(Place place, Endpoint database, std::chrono::milliseconds patience);

    HttpResponse handle(const HttpRequest& request);

  private:
    HttpResponse route(const HttpRequest& request);
    HttpResponse api(const HttpRequest& request);
    HttpResponse api_put(const HttpRequest& request);
    HttpResponse api_list(const HttpRequest& request);
    HttpResponse api_writes(const HttpRequest& request);
    HttpResponse ready();
    HttpResponse page(int status, const Form& form, Notice notice);
    HttpResponse show_page(const HttpRequest& request);
    HttpResponse submit(const HttpRequest& request);
    HttpResponse reply(const Json& body) const;
    Json ask(const Json& request);

    /// Requests that are with the database at the same time. Few enough that each is answered
    /// before its visitor gives up: answers that nobody waits for any more would take all of its
    /// time.
    static constexpr int kTurns = 16;
    using Turns = std::counting_semaphore<kTurns>;

    Place place_;
    std::chrono::milliseconds patience_;
    RpcClient database_;
    Turns turns_{kTurns};
};

} // namespace hadeploy::svc
