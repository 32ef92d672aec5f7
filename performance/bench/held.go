package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// held is what a gateway holds at a moment.
type held struct {
	goroutines  int
	descriptors int // files and connections
}

// leastHeld looks at a gateway again and again for a while and returns the
// least that it held: what passes is not in it, and what was left behind is.
func leastHeld(ctx context.Context, gateway *Child, during time.Duration) (held, error) {
	var least held
	for end := time.Now().Add(during); ; {
		now, err := holds(ctx, gateway)
		if err != nil {
			return held{}, err
		}
		if least.goroutines == 0 {
			least = now
		}
		least.goroutines = min(least.goroutines, now.goroutines)
		least.descriptors = min(least.descriptors, now.descriptors)
		if time.Now().After(end) {
			return least, nil
		}
		if err := pause(ctx, during/20); err != nil {
			return held{}, err
		}
	}
}

// holds asks the gateway for its goroutines, and the system for its descriptors.
func holds(ctx context.Context, gateway *Child) (held, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+gateway.Address+"/actuator/prometheus", nil)
	if err != nil {
		return held{}, err
	}
	request.Close = true
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return held{}, err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return held{}, err
	}
	goroutines, err := parseGoroutines(text)
	if err != nil {
		return held{}, err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", gateway.PID()))
	if err != nil {
		return held{}, fmt.Errorf("open descriptors: %w", err)
	}
	return held{goroutines, len(open)}, nil
}

// parseGoroutines reads the number of goroutines from Prometheus text.
func parseGoroutines(text []byte) (int, error) {
	for line := range bytes.Lines(text) {
		if value, found := bytes.CutPrefix(line, []byte("go_goroutines ")); found {
			n, err := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
			if err != nil || n < 1 {
				return 0, fmt.Errorf("go_goroutines is %q", bytes.TrimSpace(value))
			}
			return int(n), nil
		}
	}
	return 0, errors.New("the metrics have no go_goroutines")
}
