package reload

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// patience is how long an answer may take, on a machine with other things to do.
const patience = time.Minute

// visit is a request and what became of it.
type visit struct {
	id, user, model string
	stream          bool
	wants           int64 // tokens

	status int
	limit  int64 // of the user's tokens per day, that it was admitted or denied under
	got    int64 // tokens that arrived
	whole  bool  // the answer came to its end
	length bool  // which is that it was too long
	body   string
}

// String says what a failure is about.
func (v *visit) String() string {
	return fmt.Sprintf("%s (%s, %s, stream %v, %d tokens): status %d, limit %d, got %d, whole %v, length %v: %.300s",
		v.id, v.user, v.model, v.stream, v.wants, v.status, v.limit, v.got, v.whole, v.length, v.body)
}

// client sends requests, one after the other.
type client struct {
	g      *apptest.Gateway
	http   http.Client
	number int
	visits []*visit
}

// send sends the nth request of the client and reads the answer. Clients begin
// with different kinds, so that all are there at all times.
func (c *client) send(n int) (*visit, error) {
	v := &visit{
		id: fmt.Sprintf("c%d-%d", c.number, n), user: fmt.Sprintf("stays-%d", c.number), model: apptest.Model,
		stream: true, wants: 180,
	}
	switch (n + c.number) % 4 {
	case 0:
		v.user = "once-" + v.id
	case 1:
		v.user, v.model = "once-"+v.id, visitor
	case 2:
		v.stream, v.wants = false, 60
	}
	c.visits = append(c.visits, v)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r := c.g.Request(ctx, "/v1/chat/completions", v.user, fmt.Sprintf(
		`{"model":%q,"stream":%v,"messages":[{"role":"user","content":"Hello there"}],"mock":{"output_tokens":%d,"token_ms":6}}`,
		v.model, v.stream, v.wants))
	r.Header.Set("X-Request-Id", v.id)
	if err := c.read(v, r); err != nil {
		return v, fmt.Errorf("%v: %w", v, err)
	}
	return v, nil
}

// read sends r and reads what comes of it.
func (c *client) read(v *visit, r *http.Request) error {
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	v.status, v.limit = response.StatusCode, dayLimit(response.Header)
	if v.stream && v.status == http.StatusOK {
		return v.readStream(response.Body)
	}
	return v.readAnswer(response.Body)
}

// dayLimit returns the user's limit of tokens per day that header fields tell
// of; 0 for none.
func dayLimit(h http.Header) int64 {
	for _, policy := range strings.Split(h.Get("RateLimit-Policy"), ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(policy), ";q=")
		quota, _, _ := strings.Cut(rest, ";")
		if n, err := strconv.ParseInt(quota, 10, 64); name == `"user-tokens-day"` && err == nil {
			return n
		}
	}
	return 0
}

type answer struct {
	Choices []struct {
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		Output int64 `json:"completion_tokens"`
	} `json:"usage"`
}

func (v *visit) readAnswer(body io.Reader) error {
	b, err := io.ReadAll(body)
	v.body = string(b)
	var a answer
	if err == nil && v.status == http.StatusOK {
		err = json.Unmarshal(b, &a)
	}
	if err == nil && len(a.Choices) > 0 {
		v.got, v.whole, v.length = a.Usage.Output, true, a.Choices[0].FinishReason == "length"
	}
	return err
}

// readStream reads events to the end of the stream.
func (v *visit) readStream(body io.Reader) error {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			v.whole = true
			continue
		}
		var a answer
		if err := json.Unmarshal(data, &a); err != nil {
			return err
		}
		v.body = string(data)
		if bytes.Contains(data, []byte(`"content":"`)) && !bytes.Contains(data, []byte(`"content":""`)) {
			v.got++
		}
		if len(a.Choices) > 0 && a.Choices[0].FinishReason == "length" {
			v.length = true
		}
	}
	return lines.Err()
}
