package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A probe looks at what a contender does before it is measured: a proxy that
// answers fast because it does less than it should must not look good.

// probeChat sends one request and checks the answer. A gateway must say in a
// header that the request was counted against a limit.
func probeChat(ctx context.Context, c contender) error {
	reply, body, err := post(ctx, c.child.Address, chatBody)
	if err != nil {
		return err
	}
	if !strings.Contains(body, `"usage":{"prompt_tokens":`) {
		return fmt.Errorf("the answer is not the model server's: %.200s", body)
	}
	if c.gateway && reply.Header.Get("x-ratelimit-limit-tokens") == "" {
		return errors.New("the answer has no x-ratelimit-limit-tokens header: the request was not limited")
	}
	if c.store != nil {
		return checkRedisUsed(c.store)
	}
	return nil
}

// probeStream sends one short streaming request and checks that its events
// arrive, without usage, which was not asked for. A gateway must have asked
// the model server for usage on every event all the same.
func probeStream(ctx context.Context, c contender, u *Upstream) error {
	metered := u.Metered.Load()
	_, body, err := post(ctx, c.child.Address, probeBody)
	if err != nil {
		return err
	}
	switch {
	case strings.Count(body, contentStart) != 5 || !strings.HasSuffix(body, "data: [DONE]\n\n"):
		return fmt.Errorf("the stream is not whole: %.300s", body)
	case strings.Contains(body, `"usage"`):
		return errors.New("the stream has usage that the client did not ask for")
	case c.gateway && u.Metered.Load() == metered:
		return errors.New("the model server was not asked for usage on every event: the stream is not metered")
	}
	return nil
}

// post sends a request on a connection of its own and returns a 200's reply
// and body.
func post(ctx context.Context, address, body string) (*http.Response, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+chatPath, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-User-ID", "probe")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = errors.New("answered " + describeFailure(reply.StatusCode, text))
	}
	return reply, string(text), err
}
