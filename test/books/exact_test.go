package books

import (
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
	"github.com/token-rate-limiter/token-rate-limiter/internal/store/memory"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
)

// Where the model server is asked for the length of the input, an abandoned
// answer is charged exactly its input, and never less.
func TestExactInput(t *testing.T) {
	store := memory.New(memory.Options{})
	g := apptest.Start(t, apptest.Options{
		Limits: strings.Replace(limits, "{", "{input-estimate: exact, ", 1),
		Store:  store,
		Mock:   mockvllm.Options{TokenInterval: 2 * time.Millisecond},
	})
	p := newPlanner("exact", seed)
	var plan []order
	for i := 0; len(plan) < 60; i++ {
		o := p.order(i, leavesAnswer, true)
		if o.endpoint == wire.ChatCompletions || o.endpoint == wire.Completions && o.prompts == 1 {
			plan = append(plan, o)
		}
	}
	visits, err := run(g, plan, 16)
	if err != nil {
		t.Fatal(err)
	}
	a := &audit{gateway: g, visits: visits}
	if err := a.quiesce(store); err != nil {
		t.Fatal(err)
	}
	for i := range visits {
		if e := a.evidence(&visits[i]); e.charge.Input != e.spent.Input || e.spent.Output == 0 {
			t.Error(e.errorf("the input is not charged exactly"))
		}
	}
}
