package failure

// Kind is the reason why a request is not served. The zero value is none.
type Kind uint8

// The kinds. The first group is the client's to mend.
const (
	KindInvalidRequest  Kind = iota + 1 // the body, a member or a header field cannot be used
	KindExceedsLimit                    // the request needs more than a limit ever admits
	KindInvalidKey                      // the credential is missing or nobody's
	KindPermission                      // the principal may not do this
	KindUserDisabled                    // the user may not come in, whatever the credential
	KindTenantDisabled                  // nobody of the user's tenant may come in
	KindNoModel                         // the model is not served, or not to this principal
	KindNoPath                          // the path is no endpoint
	KindMethod                          // the path wants another method
	KindBodyTimeout                     // the body did not arrive in time
	KindBodyTooLarge                    // the body has too many bytes
	KindMediaType                       // the body is no plain JSON by its header fields
	KindRateLimited                     // limits, or full queues, have no room now
	KindClientLeft                      // the client has ended the request
	KindInternal                        // a fault of the gateway itself
	KindUpstream                        // the model server's answer is none, or breaks off
	KindUpstreamTimeout                 // the model server did not answer in time
	KindModelServer                     // the model server's own error: see [Error.Foreign]
	KindNoServer                        // no server of the model is available
	KindNoStore                         // limits cannot be checked
	KindNoIdentity                      // credentials cannot be checked
	KindOverCapacity                    // the gateway holds as much as it may
	KindCutOff                          // the client was the slowest when the budget was used up
	KindShuttingDown                    // this replica takes no more requests
	kinds
)

var names = [kinds]string{
	KindInvalidRequest: "invalid_request", KindExceedsLimit: "request_exceeds_limit",
	KindInvalidKey: "invalid_api_key", KindPermission: "permission_denied",
	KindUserDisabled: "user_disabled", KindTenantDisabled: "tenant_disabled",
	KindNoModel: "model_not_found", KindNoPath: "not_found", KindMethod: "method_not_allowed",
	KindBodyTimeout: "request_timeout", KindBodyTooLarge: "request_too_large",
	KindMediaType: "unsupported_media_type", KindRateLimited: "rate_limit_exceeded",
	KindClientLeft: "client_left", KindInternal: "internal_error",
	KindUpstream: "upstream_error", KindUpstreamTimeout: "upstream_timeout",
	KindModelServer: "model_server_error", KindNoServer: "model_unavailable",
	KindNoStore: "store_unavailable", KindNoIdentity: "identity_unavailable",
	KindOverCapacity: "over_capacity", KindCutOff: "cut_off", KindShuttingDown: "shutting_down",
}

// String returns the public name of the kind, such as "rate_limit_exceeded": logs and metrics have
// it, and clients as the code of an error, but for [KindModelServer] and what no client is told.
func (k Kind) String() string { return names[k] }

// Kinds returns all kinds.
func Kinds() []Kind {
	all := make([]Kind, 0, kinds-1)
	for k := Kind(1); k < kinds; k++ {
		all = append(all, k)
	}
	return all
}

// Exhausted says what has run out where a request is denied for now.
type Exhausted string

// What can run out.
const (
	Tokens      Exhausted = "tokens"      // a limit on tokens, input tokens or output tokens
	Requests    Exhausted = "requests"    // a limit on requests
	Concurrency Exhausted = "concurrency" // a limit on concurrent requests
	Capacity    Exhausted = "capacity"    // no limit: every model server's queue is full
)
