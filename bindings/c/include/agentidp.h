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
#define AGENTIDP_ABI_VERSION 1

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
 A completion queue. Opaque.
 */
typedef struct AgentidpQueue AgentidpQueue;

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
 A client from a JSON object, all keys optional: `baseUrl`, `clientId`, `clientSecret`,
 `scopes` (list), `timeoutMs`, `connectTimeoutMs`, `retries`, `headers` (object),
 `allowInsecureHttp`, `caBundle`, `language`, `runtime`. What is absent comes from the
 `AGENTIDP_*` environment variables. Starts no thread and opens no connection.

 Always a handle: a configuration that does not hold is told by `agentidp_client_error`. Null
 only after a panic. Free it with `agentidp_client_free`.

 # Safety
 `config` is null or points to `config_len` readable bytes.
 */
AgentidpClient *agentidp_client_new(const uint8_t *config, size_t config_len);

/*
 Writes the error record (JSON) of a configuration that does not hold; returns its length, 0 when
 the client is usable.

 # Safety
 `client` is null or a live handle; `buffer` is null or points to `capacity` writable bytes.
 */
size_t agentidp_client_error(const AgentidpClient *client, uint8_t *buffer, size_t capacity);

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
 A new queue. Null only after a panic. Free it with `agentidp_queue_free`.
 */
AgentidpQueue *agentidp_queue_new(void);

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
 Blocks the calling thread; call it from one thread of its own.

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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AGENTIDP_H */
