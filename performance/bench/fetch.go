package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// fetch returns the body of the answer to GET url, over a connection of its own, or an
// error where it is not 200.
func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Close = true
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s answered %s", url, describeFailure(reply.StatusCode, body))
	}
	return body, nil
}
