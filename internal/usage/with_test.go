package usage

import (
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// TestWithKeepsWhatIsLearned: other options, the same knowledge, on both sides.
func TestWithKeepsWhatIsLearned(t *testing.T) {
	before := NewPricer(Options{DefaultOutput: 100, UsersMax: 3})
	r := chat("How many roads must a man walk down?")
	after := before.With(Options{DefaultOutput: 200, ImageTokens: 7})
	if was, is := before.Price("user", r).Output, after.Price("user", r).Output; was != 100 || is != 200 {
		t.Errorf("before anything is learned, outputs are priced %d and %d, want 100 and 200", was, is)
	}
	for range trusted {
		before.Learn("user", r, wire.Usage{Input: 40, Output: 30}, true)
	}
	if was, is := before.Price("user", r), after.Price("user", r); was != is || is.Output > 35 {
		t.Errorf("the prices are %+v and %+v", was, is)
	}
	after.Learn("user", r, wire.Usage{Input: 4000, Output: 30}, true)
	if was, is := before.Price("user", r), after.Price("user", r); was != is || is.Input <= 40 {
		t.Errorf("what was learned after it is not shared: %+v and %+v", was, is)
	}
	r.Images = 1
	if was, is := before.Price("user", r), after.Price("user", r); was.Input-is.Input != 1024-7 {
		t.Errorf("pictures have the prices %+v and %+v", was, is)
	}
	before.KnowContext(4096)
	if later := before.With(Options{}); later.ContextLength() != 4096 || after.ContextLength() != 0 {
		t.Errorf("the context has %d tokens, and %d to those that were made before it was told", later.ContextLength(), after.ContextLength())
	}
	if most := after.options.UsersMax; most != 3 {
		t.Errorf("%d users are remembered, want 3", most)
	}
}
