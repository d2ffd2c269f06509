/* AgentIdP: the flat C ABI. Written by `AGENTIDP_WRITE_HEADER=1 cargo test -p agentidp-c --test header`; DO NOT EDIT. */

#ifndef AGENTIDP_H
#define AGENTIDP_H

#include <stddef.h>
#include <stdint.h>

/* Set in a call's id: the completion carries status, headers and request id as metadata. */
#define AGENTIDP_ID_WITH_METADATA (UINT64_C(1) << 63)


/*
 Grows whenever a function of this ABI changes its meaning or goes away.
 */
#define AGENTIDP_ABI_VERSION 2

/*
 `agentidp_clock_sleeping`: nobody slept that short until patience ended.
 */
#define AGENTIDP_CLOCK_NOBODY -1

/*
 The completion's body is the answer's body.
 */
#define AGENTIDP_COMPLETION_ANSWER 0

/*
 The completion's body is an error record.
 */
#define AGENTIDP_COMPLETION_ERROR 1

/*
 The call is out.
 */
#define AGENTIDP_START_OK 0

/*
 The client has a configuration error; nothing was started.
 */
#define AGENTIDP_START_UNCONFIGURED 1

/*
 A null handle or a panic; nothing was started.
 */
#define AGENTIDP_START_MISUSE 2

/*
 `agentidp_queue_take`: the queue is closed and empty.
 */
#define AGENTIDP_QUEUE_CLOSED INT64_MIN

/*
 A configured client, or a configuration error that `agentidp_client_error` tells. Opaque.
 */
typedef struct AgentidpClient AgentidpClient;

/*
 A clock that stands still until it is moved. Opaque.
 */
typedef struct AgentidpClock AgentidpClock;

/*
 A completion queue. Opaque.
 */
typedef struct AgentidpQueue AgentidpQueue;

/*
 A configured verifier, or a configuration error that `agentidp_verifier_error` tells. Opaque.
 */
typedef struct AgentidpVerifier AgentidpVerifier;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 The version of this ABI. A host refuses a library whose version is not the one it was written for.
 */
uint32_t agentidp_abi_version(void);

/*
 How many operations there are; their indices count from 0.
 */
uint32_t agentidp_operations_count(void);

/*
 FNV-1a (64 bits) over every operation's id and a line feed, in the order of the indices. A host
 that was generated from another contract has another value and must not go on.
 */
uint64_t agentidp_operations_checksum(void);

/*
 Writes the id of the operation at `index`, for people to read; returns its length, 0 when there
 is no such operation.

 # Safety
 `buffer` is null or points to `capacity` writable bytes.
 */
size_t agentidp_operation_id(uint32_t index, uint8_t *buffer, size_t capacity);

/*
 A clock that stands still at the present, for clients and verifiers in tests. Null only after a
 panic. Free it with `agentidp_clock_free`; what was made with it keeps it.
 */
AgentidpClock *agentidp_clock_new(void);

/*
 Time passes on the wall and the monotonic clock; sleepers whose time has come wake up. A negative
 time does nothing.

 # Safety
 `clock` is null or a live handle.
 */
void agentidp_clock_advance(const AgentidpClock *clock, int64_t time_ns);

/*
 Only the wall clock jumps, forward or (negative) back, as when somebody sets it.

 # Safety
 `clock` is null or a live handle.
 */
void agentidp_clock_jump_wall(const AgentidpClock *clock, int64_t time_ns);

/*
 What every random draw (jitter) gives from now on: a number from 0 to 1, as the 64 bits of its
 IEEE 754 double; 0 at first.

 # Safety
 `clock` is null or a live handle.
 */
void agentidp_clock_set_random(const AgentidpClock *clock, uint64_t value_bits);

/*
 The wall clock, in nanoseconds since 1970 UTC (to the microsecond); 0 for a null handle.

 # Safety
 `clock` is null or a live handle.
 */
int64_t agentidp_clock_wall(const AgentidpClock *clock);

/*
 Blocks the calling thread until somebody sleeps for at most `at_most_ns`, and says for how long;
 `AGENTIDP_CLOCK_NOBODY` when `patience_ms` of real time end before.

 # Safety
 `clock` is null or a live handle.
 */
int64_t agentidp_clock_sleeping(const AgentidpClock *clock,
                                int64_t at_most_ns,
                                uint32_t patience_ms);

/*
 Frees the handle. Clients and verifiers that were made with the clock keep its time.

 # Safety
 `clock` is null or a live handle that no thread uses any more.
 */
void agentidp_clock_free(AgentidpClock *clock);

/*
 A client from a JSON object, all keys optional: `baseUrl`, `clientId`, `clientSecret`,
 `scopes` (list), `timeoutMs`, `connectTimeoutMs`, `retries`, `headers` (object),
 `allowInsecureHttp`, `caBundle`, `clientCertificate`, `clientKey`, `proxy`, `language`, `runtime`.
 What is absent comes from the `AGENTIDP_*` environment variables. `clock` is null outside of tests.
 Starts no thread and opens no connection.

 Always a handle: a configuration that does not hold is told by `agentidp_client_error`. Null
 only after a panic. Free it with `agentidp_client_free`.

 # Safety
 `config` is null or points to `config_len` readable bytes; `clock` is null or a live handle.
 */
AgentidpClient *agentidp_client_new(const uint8_t *config,
                                    size_t config_len,
                                    const AgentidpClock *clock);

/*
 Writes the error record (JSON) of a configuration that does not hold; returns its length, 0 when
 the client is usable.

 # Safety
 `client` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
 */
size_t agentidp_client_error(const AgentidpClient *client, uint8_t *buffer, size_t capacity);

/*
 The number by which log records name this client; 0 when it has a configuration error.

 # Safety
 `client` is null or a live handle.
 */
uint64_t agentidp_client_id(const AgentidpClient *client);

/*
 Writes the cached access token if one is fresh enough to use; returns its length, 0 when there
 is none. Answered on the calling thread: no task, no queue. The bytes are a secret.

 # Safety
 As `agentidp_client_error`.
 */
size_t agentidp_client_cached_token(const AgentidpClient *client, uint8_t *buffer, size_t capacity);

/*
 Forgets the cached access token; the next call asks for a new one.

 # Safety
 `client` is null or a live handle.
 */
void agentidp_client_clear_token_cache(const AgentidpClient *client);

/*
 Writes where each value of the configuration came from, as JSON with secrets masked; returns its
 length, 0 when the configuration does not hold.

 # Safety
 As `agentidp_client_error`.
 */
size_t agentidp_client_explain(const AgentidpClient *client, uint8_t *buffer, size_t capacity);

/*
 Ends the client: later calls fail with the code `CLIENT_CLOSED`. The handle stays valid.

 # Safety
 `client` is null or a live handle.
 */
void agentidp_client_close(const AgentidpClient *client);

/*
 Frees the handle. Calls that it started go on.

 # Safety
 `client` is null or a live handle that no thread uses any more.
 */
void agentidp_client_free(AgentidpClient *client);

/*
 A new queue. Whenever it turns from empty to not empty, eight bytes are written to `wake_fd`: an
 eventfd, or a pipe's writing end, non-blocking, open until the queue is freed. Negative is none,
 for hosts that take with a time-out (on Windows all do). Who is woken takes until 0 comes.

 Null only after a panic. Free it with `agentidp_queue_free`.
 */
AgentidpQueue *agentidp_queue_new(int32_t wake_fd);

/*
 Starts a call; its end is a completion with this `id`. Never blocks.

 `operation` is an index of the table. `args` is a JSON object, every key optional:
 `{"path":{…},"query":{…},"body":{…},"options":{"timeoutMs","retries","headers","idempotencyKey","requestId"}}`.
 Every fault, bad arguments included, arrives as a completion, except the two that
 `AGENTIDP_START_UNCONFIGURED` and `AGENTIDP_START_MISUSE` tell at once.

 # Safety
 `queue` and `client` are null or live handles; `args` is null or points to `args_len` readable
 bytes (copied before this returns).
 */
int32_t agentidp_call_start(const AgentidpQueue *queue,
                            const AgentidpClient *client,
                            uint64_t id,
                            uint32_t operation,
                            const uint8_t *args,
                            size_t args_len);

/*
 Starts getting an access token, from the cache or by a request that all waiting callers share;
 the completion's body is `{"access_token","token_type","expires_in","scope"}`.

 # Safety
 As `agentidp_call_start`.
 */
int32_t agentidp_token_start(const AgentidpQueue *queue, const AgentidpClient *client, uint64_t id);

/*
 Ends the call on the wire. 1: it is gone and no completion follows. 0: it had ended already, its
 completion is in the queue or was taken.

 # Safety
 `queue` is null or a live handle.
 */
int32_t agentidp_call_cancel(const AgentidpQueue *queue, uint64_t id);

/*
 Waits up to `timeout_ms` for completions and writes as many as fit, one behind the other, all
 numbers little endian:
 `u64 id, u32 kind, u32 status, u32 metadata_len, u32 body_len, metadata, body`.

 `kind` is one of `AGENTIDP_COMPLETION_…`; `status` is the HTTP status of an answer; the metadata
 is empty, or - for ids with `AGENTIDP_ID_WITH_METADATA` - the JSON object
 `{"headers":[[name,value],…],"requestId","retryCount"}`.

 Returns the number of bytes written; 0 when the time was up; minus the bytes needed when the
 next completion does not fit (it stays); `AGENTIDP_QUEUE_CLOSED` when there will be no more.
 Blocks the calling thread unless `timeout_ms` is 0; call it from one thread at a time.

 # Safety
 `queue` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
 */
int64_t agentidp_queue_take(const AgentidpQueue *queue,
                            uint32_t timeout_ms,
                            uint8_t *buffer,
                            size_t capacity);

/*
 How many calls are out or completed but not taken by the core's queue.

 # Safety
 `queue` is null or a live handle.
 */
size_t agentidp_queue_pending(const AgentidpQueue *queue);

/*
 Ends every call that is out and wakes the taker. The handle stays valid.

 # Safety
 `queue` is null or a live handle.
 */
void agentidp_queue_close(const AgentidpQueue *queue);

/*
 Closes the queue and frees the handle.

 # Safety
 `queue` is null or a live handle that no thread uses any more: the taker has returned.
 */
void agentidp_queue_free(AgentidpQueue *queue);

/*
 A verifier from a JSON object: `issuer` and `audience` (text or list) must be given; `leewayMs`,
 `requiredScopes` (list), `jwksUri`, `timeoutMs`, `connectTimeoutMs`, `allowInsecureHttp`,
 `caBundle`, `proxy`, `clientCertificate`, `clientKey`, `language`, `runtime` may be. With a client,
 each token that verified is introspected, too. Starts no thread and opens no connection.

 Always a handle: a configuration that does not hold is told by `agentidp_verifier_error`. Null
 only after a panic. Free it with `agentidp_verifier_free`.

 # Safety
 `config` is null or points to `config_len` readable bytes; `clock` and `client` are null or live
 handles.
 */
AgentidpVerifier *agentidp_verifier_new(const uint8_t *config,
                                        size_t config_len,
                                        const AgentidpClock *clock,
                                        const AgentidpClient *client);

/*
 Writes the error record (JSON) of a configuration that does not hold; returns its length, 0 when
 the verifier is usable.

 # Safety
 `verifier` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
 */
size_t agentidp_verifier_error(const AgentidpVerifier *verifier, uint8_t *buffer, size_t capacity);

/*
 Verifies a token on the calling thread, where that is possible: its key is cached and nothing has
 to be asked. Writes a result - `u32 kind` (`AGENTIDP_COMPLETION_…`, little endian), then the
 verified token or the error record as JSON - and returns its length; when that is more than the
 capacity nothing was written. 0: use `agentidp_verify_start`.

 `scopes` are what the token must have besides the verifier's own, separated by spaces.

 # Safety
 `verifier` is null or a live handle; `token` and `scopes` are null or point to so many readable
 bytes; `buffer` is null or points to `capacity` writable bytes.
 */
size_t agentidp_verify_now(const AgentidpVerifier *verifier,
                           const uint8_t *token,
                           size_t token_len,
                           const uint8_t *scopes,
                           size_t scopes_len,
                           uint8_t *buffer,
                           size_t capacity);

/*
 Starts verifying a token, fetching keys or asking about it where that is needed. The completion's
 body is the verified token.

 # Safety
 `queue` and `verifier` are null or live handles; `token` and `scopes` are null or point to so many
 readable bytes (copied before this returns).
 */
int32_t agentidp_verify_start(const AgentidpQueue *queue,
                              const AgentidpVerifier *verifier,
                              uint64_t id,
                              const uint8_t *token,
                              size_t token_len,
                              const uint8_t *scopes,
                              size_t scopes_len);

/*
 Frees the handle. Verifications that it started go on.

 # Safety
 `verifier` is null or a live handle that no thread uses any more.
 */
void agentidp_verifier_free(AgentidpVerifier *verifier);

/*
 Checks a webhook (Standard Webhooks, v1). `check` is a JSON object: `headers` (list of
 `[name, value]`), `secrets` (list of `whsec_…`), and optionally `toleranceMs` (5 minutes) and
 `nowMs` (milliseconds since 1970 UTC; else the system's clock). Writes the error record of a
 webhook that is not to be trusted; returns its length, 0 when all is well.

 # Safety
 `payload` and `check` are null or point to so many readable bytes; `buffer` is null or points to
 `capacity` writable bytes.
 */
size_t agentidp_webhook_verify(const uint8_t *payload,
                               size_t payload_len,
                               const uint8_t *check,
                               size_t check_len,
                               uint8_t *buffer,
                               size_t capacity);

/*
 Checks the hash chain of audit events, a JSON list of one organization's without gaps. Writes a
 result as `agentidp_verify_now` does; its JSON is `{"verified","checkedCount","brokenAtEventId"}`.
 0 only after a panic.

 # Safety
 `events` is null or points to `events_len` readable bytes; `buffer` is null or points to
 `capacity` writable bytes.
 */
size_t agentidp_audit_verify(const uint8_t *events,
                             size_t events_len,
                             uint8_t *buffer,
                             size_t capacity);

/*
 Which log records are made, for all clients of the process: none (0, at first), errors (1),
 warnings too (2), infos (3), debug (4), trace (5 and above).
 */
void agentidp_logs_want(uint32_t level);

/*
 Writes eight bytes to that descriptor - an eventfd, or a pipe's writing end; non-blocking -
 whenever the queue of records turns from empty to not empty; a negative one ends that. Keep it
 open until then. On Windows nothing is written: take from time to time.
 */
void agentidp_logs_wake(int32_t fd);

/*
 Takes records out, oldest first: a JSON list of
 `{"client": number|null, "level": 1..5, "message", "fields": {…}, "timeMs"}`. Never blocks.

 Returns the number of bytes written; 0 when there are none; minus the bytes needed when they do
 not fit (they stay). Take until nothing comes.

 # Safety
 `buffer` is null or points to `capacity` writable bytes.
 */
int64_t agentidp_logs_take(uint8_t *buffer, size_t capacity);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AGENTIDP_H */
