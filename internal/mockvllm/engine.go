package mockvllm

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// model is a served model and its engine: a number of requests that run, and a
// queue of those that wait.
type model struct {
	Model
	quoted string // its name as a JSON string

	maxRunning, maxQueue int // as in Options

	mu      sync.Mutex
	running int
	queue   []chan struct{} // closed when its owner may run; oldest first

	promptTokens, generationTokens, succeeded atomic.Int64
}

func newModel(m Model, o Options) *model {
	m.ContextLength = cmp.Or(m.ContextLength, DefaultContextLength)
	return &model{Model: m, quoted: quote(m.Name), maxRunning: o.MaxRunning, maxQueue: o.MaxQueue}
}

// enter adds a request. It returns a nil channel if the request runs at once,
// else one that is closed when it does; full reports that there is no room
// even in the queue.
func (m *model) enter() (turn chan struct{}, full bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.maxRunning <= 0 || m.running < m.maxRunning {
		m.running++
		return nil, false
	}
	if m.maxQueue < 0 || m.maxQueue > 0 && len(m.queue) >= m.maxQueue {
		return nil, true
	}
	turn = make(chan struct{})
	m.queue = append(m.queue, turn)
	return turn, false
}

// abandon takes a request out of the queue, or ends its run that turn has just begun.
func (m *model) abandon(turn chan struct{}) {
	m.mu.Lock()
	i := slices.Index(m.queue, turn)
	if i >= 0 {
		m.queue = slices.Delete(m.queue, i, i+1)
	}
	m.mu.Unlock()
	if i < 0 {
		m.leave()
	}
}

// leave ends a run, and begins that of who has waited longest.
func (m *model) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) > 0 {
		close(m.queue[0])
		m.queue = m.queue[1:]
		return
	}
	m.running--
}

// counts returns how many requests run and wait, how many tokens prompts had and were
// generated, and how many requests were answered to the end.
func (m *model) counts() [5]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return [...]int64{int64(m.running), int64(len(m.queue)),
		m.promptTokens.Load(), m.generationTokens.Load(), m.succeeded.Load()}
}
