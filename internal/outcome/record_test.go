package outcome

import (
	"context"
	"errors"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/failure"
)

// TestCode: an answer that had begun and broke off is a failure of its own, unless its client
// has left; what is the client's own is no failure.
func TestCode(t *testing.T) {
	foreign := failure.ModelServer(failure.Foreign{}, "words of a model server")
	for _, tt := range []struct {
		name   string
		status int
		err    error
		code   int
		failed bool
		kind   string
	}{
		{"an answer", 200, nil, 200, false, ""},
		{"a refusal", 400, failure.InvalidRequest("", "no"), 400, false, "invalid_request"},
		{"a client that has left before its answer", 499, context.Canceled, 499, false, "client_left"},
		{"a client that has left in the midst of it", 200, context.Canceled, 200, false, "client_left"},
		{"a failure", 502, failure.Upstream("it failed"), 502, true, "upstream_error"},
		{"a model server's own words", 502, foreign, 502, true, "model_server_error"},
		{"an answer that broke off", 200, failure.Upstream("reset"), 599, true, "upstream_error"},
		{"a client that was cut off in the midst of it", 200, failure.CutOff(), 599, true, "cut_off"},
		{"what nobody has thought of", 200, errors.New("reset"), 599, true, "internal_error"},
		{"a fault in the midst of an answer", 200, failure.Internal(), 599, true, "internal_error"},
	} {
		r := Record{Status: tt.status, Err: tt.err}
		if r.Code() != tt.code || r.Failed() != tt.failed || r.Kind() != tt.kind {
			t.Errorf("%s: %d, failed %v, %q; want %d, %v, %q", tt.name, r.Code(), r.Failed(), r.Kind(), tt.code, tt.failed, tt.kind)
		}
	}
}

// TestFault: it is the gateway's own, and no model server's or client's.
func TestFault(t *testing.T) {
	for _, tt := range []struct {
		r    Record
		want bool
	}{
		{Record{Status: 200}, false},
		{Record{Status: 500, Err: failure.Internal()}, true},
		{Record{Status: 500, Err: errors.New("nobody has thought of it")}, true},
		{Record{Status: 200, Err: failure.Internal()}, true},
		{Record{Status: 200, Err: errors.New("nobody has thought of it")}, true},
		{Record{Status: 200, Err: failure.CutOff()}, false},
		{Record{Status: 502, Err: failure.Upstream("reset")}, false},
		{Record{Status: 499, Err: context.Canceled}, false},
	} {
		if got := tt.r.Fault(); got != tt.want {
			t.Errorf("%d, %v: %v", tt.r.Status, tt.r.Err, got)
		}
	}
}
