package upgrade_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is clients that go on until they are told to end, each with one request after the other.
type load struct {
	url   string
	end   chan struct{}
	group sync.WaitGroup
	open  atomic.Int64 // streams that have begun and not ended
	whole atomic.Int64 // answers that were as they should be

	mu       sync.Mutex
	failures []error
}

// users are whom requests are for.
const users = 10

// begin starts clients: of streams that take 3 to 9 seconds, and of short answers.
func begin(url string) *load {
	l := &load{url: url, end: make(chan struct{})}
	for n := range streamers + chats {
		l.group.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			random := rand.New(rand.NewPCG(7, uint64(n)))
			for !l.ending() {
				if n < streamers {
					l.judge(l.stream(client, n%users, 30+random.IntN(60)))
					continue
				}
				l.judge(l.chat(client, n%users))
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	return l
}

func (l *load) ending() bool {
	select {
	case <-l.end:
		return true
	default:
		return false
	}
}

// stop lets what is running end, and returns what has failed.
func (l *load) stop() []error {
	close(l.end)
	l.group.Wait()
	return l.failures
}

func (l *load) judge(err error) {
	if err == nil {
		l.whole.Add(1)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, fmt.Errorf("%s: %w", time.Now().Format(time.TimeOnly), err))
}

// ask sends a chat that is answered with so many tokens.
func (l *load) ask(client *http.Client, user, tokens int, stream bool) (*http.Response, error) {
	body := fmt.Sprintf(`{"model":%q,"user":"user%d","stream":%t,"max_tokens":%d,"min_tokens":%[4]d,"messages":[{"role":"user","content":"Tell me a story."}]}`, model, user, stream, tokens)
	r, err := http.NewRequest(http.MethodPost, l.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-ID", fmt.Sprint("user", user))
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body) // the status is what matters
		return nil, fmt.Errorf("%s: %s", response.Status, text)
	}
	return response, nil
}

// chat wants a whole answer.
func (l *load) chat(client *http.Client, user int) error {
	response, err := l.ask(client, user, 3, false)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && !strings.Contains(string(text), `"usage"`) {
		err = fmt.Errorf("an answer without usage: %s", text)
	}
	return err
}

// stream wants a stream to have all its tokens and its end.
func (l *load) stream(client *http.Client, user, tokens int) error {
	response, err := l.ask(client, user, tokens, true)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	l.open.Add(1)
	defer l.open.Add(-1)
	events, last := 0, ""
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data, is := strings.CutPrefix(lines.Text(), "data: ")
		if !is {
			continue
		}
		last = data
		if strings.Contains(data, `"content":"`) && !strings.Contains(data, `"content":""`) {
			events++
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("a stream was cut after %d tokens of %d: %w", events, tokens, err)
	}
	if last != "[DONE]" || events < tokens-1 {
		return fmt.Errorf("a stream ended after %d tokens of %d with %q", events, tokens, last)
	}
	return nil
}
