#pragma once

#include "core/lazy_library.h"

#include <chrono>
#include <libpq-fe.h>
#include <string>
#include <string_view>

/// libpq's functions under their own names. The library is loaded on the first call.
namespace hadeploy::postgres {

inline constexpr LateLibrary libpq{"libpq.so.5", "libpq5"};

#define HADEPLOY_LIBPQ(name) inline const Late<libpq, decltype(::name)> name{#name};
HADEPLOY_LIBPQ(PQclear)
HADEPLOY_LIBPQ(PQconnectPoll)
HADEPLOY_LIBPQ(PQconnectStartParams)
HADEPLOY_LIBPQ(PQconninfoFree)
HADEPLOY_LIBPQ(PQconninfoParse)
HADEPLOY_LIBPQ(PQconsumeInput)
HADEPLOY_LIBPQ(PQenterPipelineMode)
HADEPLOY_LIBPQ(PQerrorMessage)
HADEPLOY_LIBPQ(PQexitPipelineMode)
HADEPLOY_LIBPQ(PQfinish)
HADEPLOY_LIBPQ(PQfreemem)
HADEPLOY_LIBPQ(PQgetResult)
HADEPLOY_LIBPQ(PQgetlength)
HADEPLOY_LIBPQ(PQgetvalue)
HADEPLOY_LIBPQ(PQisBusy)
HADEPLOY_LIBPQ(PQntuples)
HADEPLOY_LIBPQ(PQparameterStatus)
HADEPLOY_LIBPQ(PQpipelineSync)
HADEPLOY_LIBPQ(PQresultErrorField)
HADEPLOY_LIBPQ(PQresultStatus)
HADEPLOY_LIBPQ(PQsendQueryParams)
HADEPLOY_LIBPQ(PQsendQueryPrepared)
HADEPLOY_LIBPQ(PQserverVersion)
HADEPLOY_LIBPQ(PQsetNoticeReceiver)
HADEPLOY_LIBPQ(PQsocket)
HADEPLOY_LIBPQ(PQstatus)
#undef HADEPLOY_LIBPQ

/// Waits until a connection can be read or written, as PQconnectPoll() asks for.
/// @returns false when the time is over
bool wait_for(const PGconn* connection, PostgresPollingStatusType what,
              std::chrono::steady_clock::time_point deadline);

std::string_view text_or_empty(const char* text);
/// A message of libpq as one line.
std::string in_one_line(std::string_view message);

} // namespace hadeploy::postgres
