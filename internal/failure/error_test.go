package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestForeign: what the model server says is for the client, not for the log.
func TestForeign(t *testing.T) {
	for _, status := range []int{0, 400} {
		e := ModelServer(Foreign{Status: status}, "you said hello")
		if e.Message != "you said hello" || strings.Contains(e.Error(), "hello") {
			t.Errorf("status %d: the client gets %q and the log %q", status, e.Message, e.Error())
		}
	}
}

// TestOf: what an error is for its client, whatever it is wrapped in.
func TestOf(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Kind
	}{
		{Upstream("it"), KindUpstream},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", CutOff())), KindCutOff},
		{fmt.Errorf("a: %w", context.Canceled), KindClientLeft},
		{Upstream("it").Because(context.Canceled), KindUpstream},
		{context.DeadlineExceeded, KindInternal},
		{errors.New("it"), KindInternal},
		{nil, KindInternal},
	} {
		if got := Of(tt.err).Kind; got != tt.want {
			t.Errorf("%v is of the kind %v, want %v", tt.err, got, tt.want)
		}
	}
}

// TestBecause: the log has the cause, and the client has not.
func TestBecause(t *testing.T) {
	plain := Upstream("it failed")
	e := plain.Because(errors.New("reset"))
	if e.Error() != "it failed: reset" || e.Message != "it failed" || plain.Error() != "it failed" {
		t.Errorf("the log gets %q, the client %q, and before %q", e.Error(), e.Message, plain.Error())
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		0: 0, -time.Second: 0, 1: 1, time.Second: 1, time.Second + 1: 2, time.Hour: 3600,
	} {
		if got := Seconds(d); got != want {
			t.Errorf("%v: %d s, want %d", d, got, want)
		}
	}
}

// TestKindsHaveNames: each has one of its own.
func TestKindsHaveNames(t *testing.T) {
	seen := map[string]Kind{"": 0}
	for _, k := range Kinds() {
		if other, twice := seen[k.String()]; twice {
			t.Errorf("the kinds %d and %d are both %q", k, other, k)
		}
		seen[k.String()] = k
	}
}
